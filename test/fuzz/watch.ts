import { Worker } from 'node:worker_threads';

/** Time of the processor that an input may take. */
export const MOST_MS = 10_000;

/**
 * Ends the process if an input takes longer than {@link MOST_MS} in one piece: nothing in its own thread could. The last
 * line says which one it was.
 */
export class Watch {
  private readonly shared = new Int32Array(new SharedArrayBuffer(8));
  private readonly worker: Worker;

  constructor(name: string, seed: number) {
    const code = `
      const { workerData: { shared, name, seed, most } } = require('node:worker_threads');
      const now = () => [Date.now(), process.cpuUsage().user / 1000];
      let [before, since] = [-1, now()];
      setInterval(() => {
        const index = Atomics.load(shared, 0);
        const [wall, busy] = now();
        if (index !== before || Atomics.load(shared, 1) === 0) [before, since] = [index, now()];
        // Waiting takes no time of the processor, but other programs may take it, too.
        else if (busy - since[1] > 3 * most || wall - since[0] > 30 * most) {
          require('node:fs').writeSync(2, \`fuzz: \${name} seed \${seed} input \${index}: no end after \${(3 * most) / 1000} s\\n\`);
          process.kill(process.pid, 'SIGKILL');
        }
      }, 500);`;
    const workerData = { shared: this.shared, name, seed, most: MOST_MS };
    this.worker = new Worker(code, { eval: true, execArgv: [], workerData });
  }

  /** Called before an input. */
  start(index: number): void {
    Atomics.store(this.shared, 0, index);
    Atomics.store(this.shared, 1, 1);
  }

  /** Called when no input runs. */
  async end(): Promise<void> {
    Atomics.store(this.shared, 1, 0);
    await this.worker.terminate();
  }
}
