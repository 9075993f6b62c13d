import { InputError } from '../core/errors.js';

/** A call that waits for its turn. */
interface Waiting {
  readonly start: () => Promise<void>;
  readonly reject: (reason: unknown) => void;
}

/**
 * Calls of a model, one after the other in the order they came: sessions and memory of a model serve one image at a time.
 */
export class CallQueue {
  private readonly waiting: Waiting[] = [];
  /** The call that runs, settled when its work is over; it does not reject. */
  private running: Promise<void> | undefined;
  private released: Promise<void> | undefined;

  /**
   * Runs work when all calls before it are over.
   *
   * @param work is to look at the signal between its stages
   * @param signal ends the call at once, queued or running; what runs goes on to the end of its stage, and the next call waits for it
   * @throws InputError after {@link CallQueue.release}; the signal's reason
   */
  run<T>(work: (signal: AbortSignal | undefined) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.released) return Promise.reject(releasedError());
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<T>((resolve, reject) => {
      const call: Waiting = {
        start: async () => {
          try {
            resolve(await work(signal));
          } catch (error) {
            reject(error as Error);
          } finally {
            signal?.removeEventListener('abort', abort);
          }
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', abort);
          reject(reason as Error);
        },
      };
      const abort = (): void => {
        const place = this.waiting.indexOf(call);
        if (place >= 0) this.waiting.splice(place, 1);
        call.reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort);
      this.waiting.push(call);
      this.next();
    });
  }

  /**
   * Refuses calls from now on, those that wait too, and frees what they use when the running one is over. Once only: later calls
   * give the same promise.
   */
  release(free: () => Promise<void>): Promise<void> {
    this.released ??= (async () => {
      for (const { reject } of this.waiting.splice(0)) reject(releasedError());
      await this.running;
      await free();
    })();
    return this.released;
  }

  private next(): void {
    if (this.running) return;
    const call = this.waiting.shift();
    if (!call) return;
    this.running = call.start().then(() => {
      this.running = undefined;
      this.next();
    });
  }
}

function releasedError(): InputError {
  return new InputError('predict: expected a model in use, got one after release()');
}
