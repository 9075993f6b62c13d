import { OptionError, quote } from '../core/errors.js';
import {
  compressMask,
  segmentResult,
  type ClassifyResult,
  type DetectResult,
  type ImageResult,
  type SegmentResult,
} from '../core/results.js';
import type { RgbImage } from '../core/image.js';
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
import { ACROSS_CLASSES_IOU } from './detect/shown-scores.js';
import { detectorViews, plainView } from './detect/tta.js';
import type { ImageInput, imageReader } from '../io/image/input.js';
import { decodingFor } from './decoding.js';
import { CallQueue } from './queue.js';
import { createSegmenterPredictor } from './segment/predictor.js';
import { segmenterInputs } from './segment/preprocess.js';

/** Largest factor of test-time augmentation. */
const MAX_RATIO = 8;

/** Tasks with predictions for images. */
export type PredictTask = ImageResult['task'];

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

/** Options of a model's predictions. */
export interface PredictOptions {
  /** Test-time augmentation: flips and several scales (detect, segment). */
  readonly tta?: boolean | undefined;
  /** Factors of the size for test-time augmentation instead of those of the model card; implies `tta` (segment). */
  readonly ratios?: readonly number[] | undefined;
  /** Sliding windows instead of whole images (segment). */
  readonly slide?: boolean | undefined;
  /**
   * Smallest score of objects, 0–1 (detect), applied after the thresholds of the model card; default: the scores with the
   * best F1 on validation data, if the model card has them, else 0.
   */
  readonly score?: number | undefined;
  /**
   * Whether objects of different classes suppress each other never, as in COCO's protocol (detect); default: of two with an
   * IoU above 0.7 only the better one is kept.
   */
  readonly perClassNms?: boolean | undefined;
  /** Largest number of objects (detect). */
  readonly max?: number | undefined;
  /** Number of classes, the most probable ones (classify). */
  readonly top?: number | undefined;
  /** Whether to copy the weights into the sessions: faster for many images of one size. */
  readonly frozen?: boolean | undefined;
  /** Whether to use the EMA of the weights; default: where it scored better in the run. */
  readonly ema?: boolean | undefined;
}

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

/** Options of a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of a prediction. */
export interface PredictCallOptions
  extends CallOptions, Pick<PredictOptions, 'score' | 'perClassNms' | 'max' | 'top'> {}

/** An open classifier. */
export interface ClassifierModel extends Opened<'classify'> {
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

/** Reads the image of a call. A browser has another one than Node. */
type ReadImage = typeof imageReader;

/**
 * Creates a model from weights in memory.
 *
 * @param readImage reader of the images of calls; {@link file://./model-of.ts} has Node's
 * @throws ConfigError for options out of range
 */
export function createModel<Task extends PredictTask>(
  engine: Engine,
  loaded: LoadedOf<Task>,
  readImage: ReadImage,
  options?: PredictOptions,
): ModelOf<Task>;
export function createModel(
  engine: Engine,
  loaded: LoadedModel,
  readImage: ReadImage,
  given: PredictOptions = {},
): ImageModel {
  assertOptions(given, loaded.card.task);
  const options = {
    ...given,
    tta: given.ratios === undefined ? given.tta : true,
    ema: loaded.ema ?? given.ema,
  };
  switch (loaded.card.task) {
    case 'classify':
      return classifierModel(engine, loaded as LoadedOf<'classify'>, readImage, options);
    case 'detect':
      return detectorModel(engine, loaded as LoadedOf<'detect'>, readImage, options);
    case 'segment':
      return segmenterModel(engine, loaded as LoadedOf<'segment'>, readImage, options);
    default:
      return loaded.card satisfies never;
  }
}

function classifierModel(
  engine: Engine,
  loaded: LoadedOf<'classify'>,
  readImage: ReadImage,
  options: PredictOptions,
): ClassifierModel {
  const { card, model, store } = loaded;
  const program = engine.prepare(model.inference, store, { frozen: options.frozen });
  const queue = new CallQueue();
  const logits = async (image: HostTensor): Promise<Float32Array> =>
    (await program.run({ image })).logits.data as Float32Array;
  const predict = async (
    image: RgbImage,
    { top = options.top }: PredictCallOptions,
  ): Promise<ClassifyResult> => {
    const values = await logits(classifierInput(image, card));
    const classes = topClasses(values, card.classNames, top);
    return { task: 'classify', width: image.width, height: image.height, classes };
  };
  return {
    ...queued(queue, { task: 'classify', loaded, readImage, options }, predict, () =>
      program.release(),
    ),
    // A copy, because the next call may start before the caller reads it.
    logits: (images, { signal } = {}) =>
      queue.run(async () => (await logits(images)).slice(), signal),
  };
}

function detectorModel(
  engine: Engine,
  loaded: LoadedOf<'detect'>,
  readImage: ReadImage,
  options: PredictOptions,
): DetectorModel {
  const { card, model, store } = loaded;
  const { tta = false, frozen } = options;
  const { classNames, categoryIds, thresholds, bestScores } = card;
  const predictor = new DetectorPredictor({
    engine,
    model,
    store,
    thresholds,
    prepare: { frozen },
  });
  const predict = async (image: RgbImage, call: PredictCallOptions): Promise<DetectResult> => {
    const { signal, score = options.score, max = options.max } = call;
    const { perClassNms = options.perClassNms ?? false } = call;
    const views = tta ? detectorViews(image, card) : [plainView(image, card)];
    const { boxes, scores, classIndices, masks } = await predictor.predictViews(views, {
      minScore: score ?? bestScores?.byClass,
      acrossClassesIou: perClassNms ? undefined : ACROSS_CLASSES_IOU,
      ...{ max, signal },
    });
    const objects = Array.from(scores, (value, d) => {
      const [x1, y1, x2, y2] = boxes.subarray(4 * d, 4 * d + 4);
      const classIndex = classIndices[d];
      return {
        classIndex,
        categoryId: categoryIds[classIndex],
        name: classNames[classIndex],
        score: value,
        box: [x1, y1, x2 - x1, y2 - y1] as const,
        ...(masks.length > 0 && { mask: compressMask(masks[d]) }),
      };
    });
    return { task: 'detect', width: image.width, height: image.height, objects };
  };
  const free = (): Promise<void> => predictor.release();
  return queued(new CallQueue(), { task: 'detect', loaded, readImage, options }, predict, free);
}

function segmenterModel(
  engine: Engine,
  loaded: LoadedOf<'segment'>,
  readImage: ReadImage,
  options: PredictOptions,
): SegmenterModel {
  const { card, model, store } = loaded;
  const { tta = false, slide = false, frozen } = options;
  const { classNames, window } = card;
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const ratios = tta ? (options.ratios ?? card.ratios) : [1];
  const mode = { window: slide ? window : null, flip: tta };
  const predict = async (
    image: RgbImage,
    { signal }: PredictCallOptions,
  ): Promise<SegmentResult> => {
    const { width, height } = image;
    const inputs = segmenterInputs(image, { ...card, ratios });
    const labels = await predictor.segment(inputs, { width, height }, mode, signal);
    return segmentResult({ width, height, labels, classNames });
  };
  const free = (): Promise<void> => predictor.release();
  return queued(new CallQueue(), { task: 'segment', loaded, readImage, options }, predict, free);
}

/** Wraps a model so that its calls are queued. */
function queued<Task extends PredictTask>(
  queue: CallQueue,
  {
    readImage,
    ...opened
  }: Pick<Opened<Task>, 'task' | 'loaded' | 'options'> & {
    readonly readImage: ReadImage;
  },
  predict: (image: RgbImage, options: PredictCallOptions) => Promise<ResultOf<Task>>,
  free: () => Promise<void>,
): Opened<Task> {
  const { file, card } = opened.loaded;
  return {
    ...opened,
    file,
    card,
    classNames: card.classNames,
    predict: async (image, call = {}) => {
      const { signal } = call;
      assertOptions(call, opened.task);
      const read = readImage(image, decodingFor(card));
      return queue.run(async () => {
        const pixels = await read();
        signal?.throwIfAborted();
        return predict(pixels, call);
      }, signal);
    },
    release: () => queue.release(free),
  };
}

function assertOptions(options: PredictOptions, task: PredictTask): void {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw new OptionError(`predict: expected an object of options, got ${String(options)}`);
  const { score = 0, max = 0, top = 1, ratios } = options;
  if (!(score >= 0 && score <= 1))
    throw new OptionError(`score: expected a number from 0 to 1, got ${score}`);
  if (!Number.isInteger(max) || max < 0)
    throw new OptionError(`max: expected a whole number of objects, got ${max}`);
  if (!Number.isInteger(top) || top < 1)
    throw new OptionError(`top: expected a whole number of classes from 1, got ${top}`);
  if (ratios === undefined) return;
  if (task !== 'segment')
    throw new OptionError(`ratios: expected a segmenter, got the task ${task}`);
  if (!Array.isArray(ratios as unknown))
    throw new OptionError(`ratios: expected a list of numbers, got ${quote(ratios)}`);
  if (ratios.length === 0 || !ratios.every((ratio) => ratio > 0 && ratio <= MAX_RATIO))
    throw new OptionError(
      `ratios: expected numbers above 0 and up to ${MAX_RATIO}, got [${ratios.join(', ')}]`,
    );
}
