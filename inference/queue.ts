import { InputError } from '../core/errors.js';

/** A queued call. */
interface Waiting {
  readonly start: () => Promise<void>;
  readonly reject: (reason: unknown) => void;
}

/**
 * Queue of a model's calls, processed one at a time in order of arrival, because sessions and memory of a model serve one
 * image at a time.
 */
export class CallQueue {
  private readonly waiting: Waiting[] = [];
  /** The running call; settles when its work ends, never rejects. */
  private running: Promise<void> | undefined;
  private released: Promise<void> | undefined;

  /** @param verified rejects if the file of the weights is damaged: then every call does */
  constructor(private readonly verified: Promise<void> = Promise.resolve()) {}

  /**
   * Runs work after all earlier calls have ended.
   *
   * @param work must check the signal between its stages
   * @param signal aborts the call immediately, queued or running; running work continues to the end of its stage, and the
   *   next call waits for it
   * @throws InputError after {@link CallQueue.release}; the signal's reason
   */
  run<T>(work: (signal: AbortSignal | undefined) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.released) return Promise.reject(releasedError());
    if (signal !== undefined && !(signal instanceof AbortSignal))
      return Promise.reject(new InputError('signal: expected an AbortSignal, got something else'));
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<T>((resolve, reject) => {
      const call: Waiting = {
        start: async () => {
          try {
            resolve(await this.checked(work(signal)));
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

  /** Rejects queued and future calls, and frees resources after the running one. Repeated calls return the same promise. */
  release(free: () => Promise<void>): Promise<void> {
    this.released ??= (async () => {
      for (const { reject } of this.waiting.splice(0)) reject(releasedError());
      await this.running;
      await free();
    })();
    return this.released;
  }

  /** The result of work, or its error, if the weights are what was saved. */
  private async checked<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      await this.verified;
    }
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
