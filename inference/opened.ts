import type { ImageParts, RgbImage } from '../core/image.js';
import type { ImageResult } from '../core/results.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { ImageInput, imageReader, partsReader } from '../io/image/input.js';
import type { Classifier } from '../models/classifier.js';
import type { Detector } from '../models/detector.js';
import type { UperNet } from '../models/upernet.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from './card.js';
import { decodingFor } from './decoding.js';
import {
  assertCallOptions,
  type PredictCallOptions,
  type PredictOptions,
  type PredictTask,
} from './predict-options.js';
import { CallQueue } from './queue.js';

/** Weights in memory with their model card, by task. */
interface Loaded {
  readonly classify: Weights<ClassifierCard, Classifier>;
  readonly detect: Weights<DetectorCard, Detector>;
  readonly segment: Weights<SegmenterCard, UperNet>;
}

interface Weights<Card, Model> {
  /** Source of the weights. */
  readonly file?: string | undefined;
  readonly card: Card;
  readonly model: Model;
  readonly store: ParameterStore;
  /** Whether these are the moving average (EMA) of the weights. */
  readonly ema?: boolean | undefined;
  /** Rejects with a WeightsError if the file is damaged, which is being examined; calls of the model wait for it. */
  readonly verified?: Promise<void> | undefined;
}

/** Weights of a task with their model card. */
export type LoadedOf<Task extends PredictTask> = Loaded[Task];

/** Result of a task. */
type ResultOf<Task extends PredictTask> = Extract<ImageResult, { readonly task: Task }>;

/** Interface of an open model of any task. */
export interface Opened<Task extends PredictTask> {
  readonly task: Task;
  /** Path of the weights; undefined for weights in memory. */
  readonly file: string | undefined;
  /** Model card: classes, preprocessing, thresholds. */
  readonly card: LoadedOf<Task>['card'];
  /** By class index. */
  readonly classNames: readonly string[];
  /** Network and weights. */
  readonly loaded: LoadedOf<Task>;
  readonly options: PredictOptions;
  /**
   * Predicts the result for an image. Calls may overlap; they are processed one after the other.
   *
   * @param options `signal` aborts the call, queued or running; the others replace those of the model
   * @throws InputError for an invalid image, or after `release`; ConfigError for options out of range; DataError for a file that cannot be decoded; WorkError
   *   if the network's outputs are not finite; the signal's reason
   */
  predict(image: ImageInput, options?: PredictCallOptions): Promise<ResultOf<Task>>;
  /** Frees sessions and memory after the running call; queued calls are rejected. */
  release(): Promise<void>;
}

/** Readers of the images of calls. A browser has others than Node. */
export interface ImageReaders {
  readonly whole: typeof imageReader;
  /** For tiles. */
  readonly parts: typeof partsReader;
}

/** Weights, readers and options of a model. */
export interface Given<Task extends PredictTask> {
  readonly loaded: LoadedOf<Task>;
  readonly readers: ImageReaders;
  readonly options: PredictOptions;
}

/** Predicts the result for decoded pixels. */
export type Predict<Task extends PredictTask> = (
  image: RgbImage | ImageParts,
  options: PredictCallOptions,
) => Promise<ResultOf<Task>>;

/** Wraps a model so that its calls are queued. */
export function queued<Task extends PredictTask>(
  task: Task,
  { loaded, readers, options }: Given<Task>,
  predict: Predict<Task>,
  free: () => Promise<void>,
  queue = new CallQueue(loaded.verified),
): Opened<Task> {
  const { file, card } = loaded;
  return {
    task,
    loaded,
    options,
    file,
    card,
    classNames: card.classNames,
    predict: async (image, call = {}) => {
      assertCallOptions(call, task);
      const { signal } = call;
      const tile = call.tile ?? options.tile;
      // The caller may change its objects while the call waits.
      const asked = { ...call, tile: tile && { ...tile } };
      const read = (tile ? readers.parts : readers.whole)(image, decodingFor(card));
      return queue.run(async () => {
        const pixels = await read();
        signal?.throwIfAborted();
        return predict(pixels, asked);
      }, signal);
    },
    release: () => queue.release(free),
  };
}
