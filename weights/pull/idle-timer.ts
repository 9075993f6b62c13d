/** Timer that calls back once if it is not restarted for `ms` milliseconds. */
export class IdleTimer {
  expired = false;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly ms: number,
    private readonly onExpire: () => void,
  ) {
    this.timer = this.start();
  }

  private start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.expired = true;
      this.onExpire();
    }, this.ms);
  }

  restart(): void {
    this.stop();
    this.timer = this.start();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
