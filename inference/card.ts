import { FcmaeConfig } from '../backbone/fcmae.js';
import { ConvNeXtV2Config } from '../backbone/variants.js';
import { quote, WeightsError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { EvaluationResize } from '../datasets/transforms/evaluation.js';
import { ScaleLimits } from '../datasets/transforms/keep-ratio.js';
import { PixelStats } from '../datasets/transforms/normalize.js';
import { DetectionThresholds, DetectorConfig } from '../models/detection/config.js';
import { UperNetConfig } from '../models/upernet.js';
import { SlidingWindow } from './segment/windows.js';

/**
 * Model card: task, classes and preprocessing of a model. Saved in checkpoints; the names of the fields are part of the
 * format.
 */
export type ModelCard = ClassifierCard | DetectorCard | SegmenterCard | AutoencoderCard;

/** Names of the tasks. */
export type TaskName = ModelCard['task'];

/** Model card of a classifier: images are resized and cropped to a square. */
export const ClassifierCard = t.record({
  task: t.literal('classify'),
  backbone: ConvNeXtV2Config,
  /** By class index. */
  classNames: t.list(t.TEXT),
  pixels: PixelStats,
  resize: EvaluationResize,
});
export type ClassifierCard = t.Infer<typeof ClassifierCard>;

/** Smallest scores that gave the best F1 at IoU 0.5 on validation data; with fewer than 20 objects drawn toward the usual 0.3. */
export const BestScores = t.record({
  /** Over the detections of all classes together. */
  overall: t.FRACTION,
  /** F1 of `overall`. */
  f1: t.FRACTION,
  /** By class index; `overall` for classes with too few objects. */
  byClass: t.list(t.FRACTION),
});
export type BestScores = t.Infer<typeof BestScores>;

/** Model card of a detector: images are resized with their aspect ratio kept, and padded. */
export const DetectorCard = t.record({
  task: t.literal('detect'),
  backbone: ConvNeXtV2Config,
  detector: DetectorConfig,
  /** By class index. */
  classNames: t.list(t.TEXT),
  /** Category ids of the training data by class index. */
  categoryIds: t.list(t.number()),
  pixels: PixelStats,
  /** Limits of the sides of the resized image in pixels. */
  limits: ScaleLimits,
  thresholds: DetectionThresholds,
  /** Of the last evaluation in training; absent before the first one, and for published weights. */
  bestScores: t.optional(BestScores),
  /** {@link BestScores} of the moving average (EMA) of the weights. */
  emaBestScores: t.optional(BestScores),
  /** Values that became 0 and 255 in training images of more than 8 bits; default: their upper 8 bits. */
  range: t.optional(t.list(t.number(), 2)),
});
export type DetectorCard = t.Infer<typeof DetectorCard>;

/** Model card of a segmenter: images are resized with their aspect ratio kept. */
export const SegmenterCard = t.record({
  task: t.literal('segment'),
  backbone: ConvNeXtV2Config,
  head: UperNetConfig,
  /** By class index. */
  classNames: t.list(t.TEXT),
  pixels: PixelStats,
  /** Limits of the sides of the resized image in pixels. */
  limits: ScaleLimits,
  /** Windows for sliding inference. */
  window: SlidingWindow,
  /** Factors of the limits for multi-scale inference. */
  ratios: t.list(t.POSITIVE),
  /** Colors of the classes by index, red, green and blue; default: those that the classes have here. */
  palette: t.optional(t.list(t.list(t.whole(0, 255), 3))),
  /** Values that became 0 and 255 in training images of more than 8 bits; default: their upper 8 bits. */
  range: t.optional(t.list(t.number(), 2)),
});
export type SegmenterCard = t.Infer<typeof SegmenterCard>;

/** Model card of a masked autoencoder, which only initializes training. */
export const AutoencoderCard = t.record({
  task: t.literal('pretrain'),
  fcmae: FcmaeConfig,
  pixels: PixelStats,
  resize: EvaluationResize,
});
export type AutoencoderCard = t.Infer<typeof AutoencoderCard>;

/** Model card of a task. */
export type CardOf<Task extends TaskName> = Extract<ModelCard, { readonly task: Task }>;

/** Names of the models of each task for people. */
const KINDS: Readonly<Record<TaskName, string>> = {
  classify: 'a classifier',
  detect: 'a detector',
  segment: 'a segmenter',
  pretrain: 'a masked autoencoder',
};

/** Unknown fields of later versions are accepted. */
const SCHEMAS: { readonly [Task in TaskName]: t.Schema<CardOf<Task>> } = {
  classify: t.withUnknownFields(ClassifierCard),
  detect: t.withUnknownFields(DetectorCard),
  segment: t.withUnknownFields(SegmenterCard),
  pretrain: t.withUnknownFields(AutoencoderCard),
};

/** 8192 x 8192: a larger input would take more memory than machines have. */
const MAX_INPUT_PIXELS = 2 ** 26;

/** Pixels of the largest input that a card asks for. */
function inputPixels(card: ModelCard): number {
  if (card.task === 'classify' || card.task === 'pretrain') return card.resize.inputSize ** 2;
  const { long, short } = card.limits;
  const sides = Math.min(long, short) * Math.max(long, short);
  if (card.task === 'detect') return sides;
  const ratio = card.ratios.reduce((most, each) => Math.max(most, each), 1);
  return Math.max(sides * ratio ** 2, card.window.cropSize ** 2);
}

const isTask = (name: unknown): name is TaskName =>
  typeof name === 'string' && Object.hasOwn(SCHEMAS, name);

/** Rules of the check of a card, for {@link checkedCard}. */
interface CardCheck<Task extends TaskName> {
  /** Kind of the file, for messages. */
  readonly source: string;
  /** Expected task; default: any. */
  readonly task?: Task | undefined;
  /** Describes what is wrong with a value; undefined for a valid one. */
  readonly faultOf: (schema: t.Schema, value: unknown) => string | undefined;
}

/**
 * Checks a model card.
 *
 * @throws WeightsError if it is of another task or damaged
 */
export function checkedCard<Task extends TaskName = TaskName>(
  file: string,
  value: unknown,
  { source, task, faultOf }: CardCheck<Task>,
): CardOf<Task> {
  const card = value as Partial<ModelCard> | null | undefined;
  const found: unknown = card?.task;
  const fail = (expected: string, got: string): never => {
    throw WeightsError.in(file, `expected ${source} of ${expected}, got ${got}`);
  };
  if (!isTask(found) || (task ?? found) !== found)
    return fail(
      task ? KINDS[task] : Object.values(KINDS).join(', '),
      `task ${typeof found === 'string' ? found : quote(found)}`,
    );
  const fault = faultOf(SCHEMAS[found], card);
  if (fault !== undefined) return fail(KINDS[found], `one with a damaged card: ${fault}`);
  const valid = card as ModelCard;
  if (inputPixels(valid) > MAX_INPUT_PIXELS)
    return fail(
      KINDS[found],
      `one for inputs of ${inputPixels(valid).toPrecision(3)} pixels (at most ${MAX_INPUT_PIXELS})`,
    );
  if (valid.task === 'detect' || valid.task === 'segment') {
    const { numClasses } = valid.task === 'detect' ? valid.detector : valid.head;
    if (valid.classNames.length !== numClasses)
      return fail(
        KINDS[found],
        `one of ${numClasses} classes with ${valid.classNames.length} class names`,
      );
  }
  return valid as CardOf<Task>;
}
