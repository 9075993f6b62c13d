import { FcmaeConfig } from '../backbone/fcmae.js';
import { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsError } from '../core/errors.js';
import {
  POSITIVE,
  TEXT,
  list,
  literal,
  number,
  record,
  withUnknownFields,
  type Infer,
  type Schema,
} from '../core/schema.js';
import { EvaluationResize } from '../datasets/transforms/evaluation.js';
import { ScaleLimits } from '../datasets/transforms/keep-ratio.js';
import { PixelStats } from '../datasets/transforms/normalize.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import { DetectionThresholds, DetectorConfig } from '../models/detection/config.js';
import { UperNetConfig } from '../models/upernet.js';
import { SlidingWindow } from './segment/windows.js';

/**
 * What weights are for and how images become their inputs. Saved in checkpoints, so that nobody has to know it; the names of the
 * fields are part of the format.
 */
export type ModelCard = ClassifierCard | DetectorCard | SegmenterCard | AutoencoderCard;

/** Names of the tasks. */
export type TaskName = ModelCard['task'];

/** A classifier: images are resized and cut to a square. */
export const ClassifierCard = record({
  task: literal('classify'),
  backbone: ConvNeXtV2Config,
  /** By class index. */
  classNames: list(TEXT),
  pixels: PixelStats,
  resize: EvaluationResize,
});
export type ClassifierCard = Infer<typeof ClassifierCard>;

/** A detector: images are resized with their aspect ratio kept, and padded. */
export const DetectorCard = record({
  task: literal('detect'),
  backbone: ConvNeXtV2Config,
  detector: DetectorConfig,
  /** By class index. */
  classNames: list(TEXT),
  /** By class index: the category ids of the training data. */
  categoryIds: list(number()),
  pixels: PixelStats,
  /** Of the sides of the resized image, pixels. */
  limits: ScaleLimits,
  thresholds: DetectionThresholds,
});
export type DetectorCard = Infer<typeof DetectorCard>;

/** A segmenter: images are resized with their aspect ratio kept. */
export const SegmenterCard = record({
  task: literal('segment'),
  backbone: ConvNeXtV2Config,
  head: UperNetConfig,
  /** By class index. */
  classNames: list(TEXT),
  pixels: PixelStats,
  /** Of the sides of the resized image, pixels. */
  limits: ScaleLimits,
  /** For sliding inference. */
  window: SlidingWindow,
  /** Factors on the limits for multi-scale inference. */
  ratios: list(POSITIVE),
});
export type SegmenterCard = Infer<typeof SegmenterCard>;

/** A masked autoencoder, which predicts nothing: training starts from it. */
export const AutoencoderCard = record({
  task: literal('pretrain'),
  fcmae: FcmaeConfig,
  pixels: PixelStats,
  resize: EvaluationResize,
});
export type AutoencoderCard = Infer<typeof AutoencoderCard>;

/** The card of a task. */
export type CardOf<Task extends TaskName> = Extract<ModelCard, { readonly task: Task }>;

/** How people call the models of a task. */
const KINDS: Readonly<Record<TaskName, string>> = {
  classify: 'a classifier',
  detect: 'a detector',
  segment: 'a segmenter',
  pretrain: 'a masked autoencoder',
};

/** Fields that a later version adds are let through. */
const SCHEMAS: { readonly [Task in TaskName]: Schema<CardOf<Task>> } = {
  classify: withUnknownFields(ClassifierCard),
  detect: withUnknownFields(DetectorCard),
  segment: withUnknownFields(SegmenterCard),
  pretrain: withUnknownFields(AutoencoderCard),
};

/**
 * The card in the state of a checkpoint.
 *
 * @param task that it has to be of; any if not given
 * @throws WeightsError if it is of another task or damaged
 */
export function readCard<Task extends TaskName = TaskName>(
  file: string,
  state: Readonly<Record<string, unknown>>,
  task?: Task,
): CardOf<Task> {
  const card = state['card'] as Partial<ModelCard> | undefined;
  const found = card?.task;
  const fail = (expected: string, got: string): never => {
    throw new WeightsError(`${file}: expected the checkpoint of ${expected}, got ${got}`, { file });
  };
  if (found === undefined || !Object.hasOwn(SCHEMAS, found) || (task ?? found) !== found)
    return fail(task ? KINDS[task] : Object.values(KINDS).join(', '), `task ${String(found)}`);
  const problems = compileSchema(SCHEMAS[found])(card);
  if (problems.length > 0)
    return fail(KINDS[found], `one with a damaged card: ${formatProblems(problems)}`);
  const sound = card as ModelCard;
  if (sound.task === 'detect' || sound.task === 'segment') {
    const { numClasses } = sound.task === 'detect' ? sound.detector : sound.head;
    if (sound.classNames.length !== numClasses)
      return fail(
        KINDS[found],
        `one of ${numClasses} classes with ${sound.classNames.length} class names`,
      );
  }
  return sound as CardOf<Task>;
}
