import { segmentResult, type ImageResult } from '../core/results.js';
import type { ImageParts, RgbImage } from '../core/image.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { HostTensor } from '../engine/runtime/program.js';
import type { Classifier } from '../models/classifier.js';
import type { Detector } from '../models/detector.js';
import type { UperNet } from '../models/upernet.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from './card.js';
import { classification, type Classification } from './classify/classification.js';
import { classifierInput, joinedInputs } from './classify/preprocess.js';
import { DetectorPredictor } from './detect/predictor.js';
import { detectPicture } from './detect/picture.js';
import { detectResult } from './detect/prediction.js';
import { detectionChoice } from './detect/shown-scores.js';
import type { ImageInput, imageReader, partsReader } from '../io/image/input.js';
import { decodingFor } from './decoding.js';
import {
  assertCallOptions,
  assertBatchCall,
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

export type { Classification } from './classify/classification.js';

/** An open classifier. */
export interface ClassifierModel extends Opened<'classify'> {
  /** Whether the network takes whole images, as that of an exported file, which resizes them; others take resized ones. */
  readonly takesWholeImages: boolean;
  /**
   * Preprocesses an image for `predictBatch`.
   *
   * @returns `[1, H, W, 3]`
   * @throws InputError for an invalid image; DataError for a file that cannot be decoded
   */
  preprocess(image: ImageInput): Promise<HostTensor>;
  /**
   * Predicts a batch of preprocessed images; `predict` is the batch of one. Queued like it.
   *
   * @param inputs `[N, H, W, 3]` of equal height and width
   * @returns by image, in order
   * @throws InputError for other inputs; as `predict`
   */
  predictBatch(
    inputs: readonly HostTensor[],
    options?: CallOptions,
  ): Promise<readonly Classification[]>;
  /**
   * Runs only the network on a batch of images. Queued like `predict`.
   *
   * @param images `[N, H, W, 3]`, preprocessed
   * @returns `[N, K]`
   */
  logits(images: HostTensor, options?: CallOptions): Promise<Float32Array>;
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
  own: PredictOptions = {},
): ImageModel {
  assertPredictOptions(own, loaded.card.task);
  const tta = own.ratios === undefined ? own.tta : true;
  const options = { ...own, tta, ema: loaded.ema ?? own.ema };
  const given = { loaded, readers, options };
  switch (loaded.card.task) {
    case 'classify':
      return classifierModel(engine, given as Given<'classify'>);
    case 'detect':
      return detectorModel(engine, given as Given<'detect'>);
    case 'segment':
      return segmenterModel(engine, given as Given<'segment'>);
    default:
      return loaded.card satisfies never;
  }
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

/** Network of a classifier. */
export interface ClassifierNetwork extends Pick<ClassifierModel, 'takesWholeImages'> {
  /** Converts an image to an input `[1, H, W, 3]`. */
  inputOf(image: RgbImage): HostTensor;
  /** Computes the logits `[N, K]`, which the next call may overwrite. */
  run(images: HostTensor): Promise<Float32Array>;
  free(): Promise<void>;
}

function classifierModel(engine: Engine, given: Given<'classify'>): ClassifierModel {
  const { card, model, store } = given.loaded;
  const program = engine.prepare(model.inference, store, { frozen: given.options.frozen });
  return classifierOf(given, {
    takesWholeImages: false,
    inputOf: (image) => classifierInput(image, card),
    run: async (image) => (await program.run({ image })).logits.data as Float32Array,
    free: () => program.release(),
  });
}

/** Creates a classifier of a network. */
export function classifierOf(
  given: Given<'classify'>,
  network: ClassifierNetwork,
): ClassifierModel {
  const { loaded, readers, options } = given;
  const { card } = loaded;
  const { takesWholeImages, inputOf, run, free } = network;
  const queue = new CallQueue();
  // A copy, because the next call may start before the caller reads it.
  const logits = async (images: HostTensor): Promise<Float32Array> => (await run(images)).slice();
  const batch = async (inputs: readonly HostTensor[]): Promise<readonly Classification[]> => {
    const values = await logits(joinedInputs(inputs)); // [N, K]
    const K = card.classNames.length;
    return Array.from({ length: values.length / K }, (_, n) =>
      classification(values.subarray(n * K, (n + 1) * K), card.classNames),
    );
  };
  const predict: Predict<'classify'> = async (image, { top = options.top }) => {
    const { width, height } = image;
    const [{ classes }] = await batch([inputOf(image as RgbImage)]); // without tiles
    return { task: 'classify', width, height, classes: classes(top) };
  };
  return {
    ...queued(queue, 'classify', given, predict, free),
    takesWholeImages,
    preprocess: async (image) => inputOf(await readers.whole(image, decodingFor(card))()),
    predictBatch: async (inputs, call = {}) => {
      assertBatchCall('predictBatch', inputs, call, takesWholeImages);
      return queue.run(() => batch(inputs), call.signal);
    },
    logits: async (images, call = {}) => {
      assertBatchCall('logits', [images], call, takesWholeImages);
      return queue.run(() => logits(images), call.signal);
    },
  };
}

function detectorModel(engine: Engine, given: Given<'detect'>): DetectorModel {
  const { loaded, options } = given;
  const { card, model, store } = loaded;
  const { tta = false, frozen } = options;
  const { thresholds } = card;
  const prepare = { frozen };
  const predictor = new DetectorPredictor({ engine, model, store, thresholds, prepare });
  const predict: Predict<'detect'> = async (image, call) => {
    const { signal, tile } = call;
    const choice = detectionChoice(card, options, call);
    const found = await detectPicture(predictor, image, { card, tta, tile, signal, ...choice });
    return detectResult(found, card, image);
  };
  return queued(new CallQueue(), 'detect', given, predict, () => predictor.release());
}

function segmenterModel(engine: Engine, given: Given<'segment'>): SegmenterModel {
  const { loaded, options } = given;
  const { card, model, store } = loaded;
  const { tta = false, slide = false, frozen } = options;
  const { classNames, palette, window } = card;
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const ratios = tta ? (options.ratios ?? card.ratios) : [1];
  const mode = { window: slide ? window : null, flip: tta };
  const predict: Predict<'segment'> = async (image, { signal, tile }) => {
    const { width, height } = image;
    const chosen = { card: { ...card, ratios }, mode, tile, signal };
    const labels = await segmentPicture(predictor, image, chosen);
    return segmentResult({ width, height, labels, classNames, palette });
  };
  return queued(new CallQueue(), 'segment', given, predict, () => predictor.release());
}

/** Wraps a model so that its calls are queued. */
export function queued<Task extends PredictTask>(
  queue: CallQueue,
  task: Task,
  { loaded, readers, options }: Given<Task>,
  predict: Predict<Task>,
  free: () => Promise<void>,
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
