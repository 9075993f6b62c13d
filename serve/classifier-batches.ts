import type { RgbImage } from '../core/image.js';
import type { ClassifyResult } from '../core/results.js';
import type { ClassifierModel } from '../inference/model.js';

/** Options of {@link ClassifierBatches}. */
export interface BatchOptions {
  /** Longest time that an image waits for others; 0: a batch is what waits anyway. */
  readonly waitMs: number;
  /** Largest number of images of a batch. */
  readonly maxImages: number;
  /** Runs work of all models, one at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Options of a call. */
interface BatchCallOptions {
  /** Number of classes, the most probable ones. */
  readonly top: number;
  readonly signal: AbortSignal;
}

interface Waiting extends BatchCallOptions {
  readonly width: number;
  readonly height: number;
  readonly input: Awaited<ReturnType<ClassifierModel['preprocess']>>;
  readonly sinceMs: number;
  resolve(result: ClassifyResult): void;
  reject(error: Error): void;
}

/**
 * Predicts the images of several requests together. An image is preprocessed when it comes; sizes of batches are powers of
 * two, because a graph is traced for each. Results are those of the model up to rounding.
 */
export class ClassifierBatches {
  private readonly waiting: Waiting[] = [];
  private isRunning = false;
  /** Ends the wait for more images. */
  private wake: (() => void) | undefined;

  constructor(
    private readonly model: Pick<ClassifierModel, 'preprocess' | 'predictBatch'>,
    private readonly options: BatchOptions,
  ) {}

  /** Predicts the result for an image, as `predict` of the model does. @throws the signal's reason */
  async predict(image: RgbImage, call: BatchCallOptions): Promise<ClassifyResult> {
    const input = await this.model.preprocess(image);
    const { width, height } = image;
    return new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      this.waiting.push({ width, height, input, ...call, sinceMs, resolve, reject });
      if (this.waiting.length >= this.options.maxImages) this.wake?.();
      void this.run();
    });
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.waiting.length > 0) {
      await this.untilReady();
      await this.options.inTurn(() => this.runBatch());
    }
    this.isRunning = false;
  }

  private async untilReady(): Promise<void> {
    // Images that were decoded during the last batch come now.
    await new Promise((resolve) => setImmediate(resolve));
    const [{ sinceMs }] = this.waiting;
    const leftMs = sinceMs + this.options.waitMs - performance.now();
    if (leftMs <= 0 || this.waiting.length >= this.options.maxImages) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  private async runBatch(): Promise<void> {
    const batch = this.take();
    if (batch.length === 0) return;
    try {
      const predictions = await this.model.predictBatch(batch.map(({ input }) => input));
      for (const [i, { width, height, top, resolve }] of batch.entries())
        resolve({ task: 'classify', width, height, classes: predictions[i].classes(top) });
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  }

  /** Takes the images of a batch from what waits, without those that nobody waits for any more. */
  private take(): readonly Waiting[] {
    const given = this.waiting.splice(0);
    const wanted = given.filter(({ signal, reject }) => {
      if (signal.aborted) reject(signal.reason as Error);
      return !signal.aborted;
    });
    const most = Math.min(wanted.length, this.options.maxImages);
    const size = most === 0 ? 0 : 2 ** Math.floor(Math.log2(most));
    this.waiting.unshift(...wanted.slice(size));
    return wanted.slice(0, size);
  }
}
