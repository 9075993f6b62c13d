import {
  segmentResult,
  type ClassifyResult,
  type DetectResult,
  type ImageResult,
  type SegmentResult,
} from '../core/results.js';
import type { ImageParts, RgbImage } from '../core/image.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { HostTensor } from '../engine/runtime/program.js';
import type { Classifier } from '../models/classifier.js';
import type { Detector } from '../models/detector.js';
import type { UperNet } from '../models/upernet.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from './card.js';
import { classifierInput } from './classify/preprocess.js';
import { topClasses } from './classify/top-classes.js';
import { DetectorPredictor } from './detect/predictor.js';
import { detectPicture } from './detect/picture.js';
import { detectResult } from './detect/prediction.js';
import type { ImageInput, imageReader, partsReader } from '../io/image/input.js';
import { decodingFor } from './decoding.js';
import {
  assertCallOptions,
  assertLogitsCall,
  assertPredictOptions,
  type CallOptions,
  type PredictCallOptions,
  type PredictOptions,
  type PredictTask,
} from './predict-options.js';
import { CallQueue } from './queue.js';
import { createSegmenterPredictor } from './segment/predictor.js';
import { segmentPicture } from './segment/picture.js';

export type {
  CallOptions,
  PredictCallOptions,
  PredictOptions,
  PredictTask,
} from './predict-options.js';

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
}

/** Weights of a task with their model card. */
export type LoadedOf<Task extends PredictTask> = Loaded[Task];

/** Weights in memory with their model card. */
export type LoadedModel = LoadedOf<PredictTask>;

/** Result of a task. */
type ResultOf<Task extends PredictTask> = Extract<ImageResult, { readonly task: Task }>;

/** Interface of an open model of any task. */
interface Opened<Task extends PredictTask> {
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

/** An open classifier. */
export interface ClassifierModel extends Opened<'classify'> {
  /**
   * Runs only the network on a batch of images. Queued like `predict`.
   *
   * @param images `[N, H, W, 3]`, preprocessed
   * @returns `[N, K]`
   */
  logits(images: HostTensor, options?: CallOptions): Promise<Float32Array>;
  /** Computes the logits `[K]` of an image: instead of `logits`, for exported files, which preprocess themselves. */
  readonly scores?: ((image: ImageInput) => Promise<Float32Array>) | undefined;
}

/** An open detector. */
export type DetectorModel = Opened<'detect'>;

/** An open segmenter. */
export type SegmenterModel = Opened<'segment'>;

/** An open model. Owns sessions: `release` frees them. */
export type ImageModel = ClassifierModel | DetectorModel | SegmenterModel;

/** Open model of a task. */
export type ModelOf<Task extends PredictTask> = Extract<ImageModel, { readonly task: Task }>;

/** Readers of the images of calls. A browser has others than Node. */
export interface ImageReaders {
  readonly whole: typeof imageReader;
  /** For tiles. */
  readonly parts: typeof partsReader;
}

/**
 * Creates a model from weights in memory.
 *
 * @param readers readers of the images of calls; {@link file://./model-of.ts} has Node's
 * @throws ConfigError for options out of range
 */
export function createModel<Task extends PredictTask>(
  engine: Engine,
  loaded: LoadedOf<Task>,
  readers: ImageReaders,
  options?: PredictOptions,
): ModelOf<Task>;
export function createModel(
  engine: Engine,
  loaded: LoadedModel,
  readers: ImageReaders,
  given: PredictOptions = {},
): ImageModel {
  assertPredictOptions(given, loaded.card.task);
  const options = {
    ...given,
    tta: given.ratios === undefined ? given.tta : true,
    ema: loaded.ema ?? given.ema,
  };
  switch (loaded.card.task) {
    case 'classify':
      return classifierModel(engine, loaded as LoadedOf<'classify'>, readers, options);
    case 'detect':
      return detectorModel(engine, loaded as LoadedOf<'detect'>, readers, options);
    case 'segment':
      return segmenterModel(engine, loaded as LoadedOf<'segment'>, readers, options);
    default:
      return loaded.card satisfies never;
  }
}

function classifierModel(
  engine: Engine,
  loaded: LoadedOf<'classify'>,
  readers: ImageReaders,
  options: PredictOptions,
): ClassifierModel {
  const { card, model, store } = loaded;
  const program = engine.prepare(model.inference, store, { frozen: options.frozen });
  const queue = new CallQueue();
  const logits = async (image: HostTensor): Promise<Float32Array> =>
    (await program.run({ image })).logits.data as Float32Array;
  const predict = async (
    image: RgbImage | ImageParts,
    { top = options.top }: PredictCallOptions,
  ): Promise<ClassifyResult> => {
    const values = await logits(classifierInput(image as RgbImage, card)); // without tiles
    const classes = topClasses(values, card.classNames, top);
    return { task: 'classify', width: image.width, height: image.height, classes };
  };
  return {
    ...queued(queue, { task: 'classify', loaded, readers, options }, predict, () =>
      program.release(),
    ),
    // A copy, because the next call may start before the caller reads it.
    logits: async (images, call = {}) => {
      assertLogitsCall(images, call);
      return queue.run(async () => (await logits(images)).slice(), call.signal);
    },
  };
}

function detectorModel(
  engine: Engine,
  loaded: LoadedOf<'detect'>,
  readers: ImageReaders,
  options: PredictOptions,
): DetectorModel {
  const { card, model, store } = loaded;
  const { tta = false, frozen } = options;
  const { thresholds, bestScores } = card;
  const prepare = { frozen };
  const predictor = new DetectorPredictor({ engine, model, store, thresholds, prepare });
  const predict = async (
    image: RgbImage | ImageParts,
    call: PredictCallOptions,
  ): Promise<DetectResult> => {
    const { signal, tile, score = options.score, max = options.max } = call;
    const { perClassNms = options.perClassNms ?? false } = call;
    const found = await detectPicture(predictor, image, {
      card,
      tta,
      perClassNms,
      tile,
      max,
      signal,
      minScore: score ?? bestScores?.byClass,
    });
    return detectResult(found, card, image);
  };
  const free = (): Promise<void> => predictor.release();
  return queued(new CallQueue(), { task: 'detect', loaded, readers, options }, predict, free);
}

function segmenterModel(
  engine: Engine,
  loaded: LoadedOf<'segment'>,
  readers: ImageReaders,
  options: PredictOptions,
): SegmenterModel {
  const { card, model, store } = loaded;
  const { tta = false, slide = false, frozen } = options;
  const { classNames, palette, window } = card;
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const ratios = tta ? (options.ratios ?? card.ratios) : [1];
  const mode = { window: slide ? window : null, flip: tta };
  const predict = async (
    image: RgbImage | ImageParts,
    { signal, tile }: PredictCallOptions,
  ): Promise<SegmentResult> => {
    const { width, height } = image;
    const chosen = { card: { ...card, ratios }, mode, tile, signal };
    const labels = await segmentPicture(predictor, image, chosen);
    return segmentResult({ width, height, labels, classNames, palette });
  };
  const free = (): Promise<void> => predictor.release();
  return queued(new CallQueue(), { task: 'segment', loaded, readers, options }, predict, free);
}

/** Wraps a model so that its calls are queued. */
function queued<Task extends PredictTask>(
  queue: CallQueue,
  {
    readers,
    ...opened
  }: Pick<Opened<Task>, 'task' | 'loaded' | 'options'> & {
    readonly readers: ImageReaders;
  },
  predict: (image: RgbImage | ImageParts, options: PredictCallOptions) => Promise<ResultOf<Task>>,
  free: () => Promise<void>,
): Opened<Task> {
  const { file, card } = opened.loaded;
  return {
    ...opened,
    file,
    card,
    classNames: card.classNames,
    predict: async (image, call = {}) => {
      assertCallOptions(call, opened.task);
      const { signal } = call;
      const tile = call.tile ?? opened.options.tile;
      const read = (tile ? readers.parts : readers.whole)(image, decodingFor(card));
      return queue.run(async () => {
        const pixels = await read();
        signal?.throwIfAborted();
        return predict(pixels, { ...call, tile });
      }, signal);
    },
    release: () => queue.release(free),
  };
}
