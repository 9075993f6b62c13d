import type { FcmaeConfig } from '../backbone/fcmae.js';
import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsError } from '../core/errors.js';
import type { EvaluationResize } from '../datasets/transforms/evaluation.js';
import type { ScaleLimits } from '../datasets/transforms/keep-ratio.js';
import type { PixelStats } from '../datasets/transforms/normalize.js';
import type { DetectionThresholds, DetectorConfig } from '../models/detection/config.js';
import type { UperNetConfig } from '../models/upernet.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import type { SlidingWindow } from './segment/windows.js';

/**
 * What weights are for and how images become their inputs. Saved in checkpoints, so that nobody has to know it; the names of the
 * fields are part of the format.
 */
export type ModelCard = ClassifierCard | DetectorCard | SegmenterCard | AutoencoderCard;

/** Names of the tasks. */
export type TaskName = ModelCard['task'];

/** A classifier: images are resized and cut to a square. */
export interface ClassifierCard {
  readonly task: 'classify';
  readonly backbone: ConvNeXtV2Config;
  /** By class index. */
  readonly classNames: readonly string[];
  readonly pixels: PixelStats;
  readonly resize: EvaluationResize;
}

/** A detector: images are resized with their aspect ratio kept, and padded. */
export interface DetectorCard {
  readonly task: 'detect';
  readonly backbone: ConvNeXtV2Config;
  readonly detector: DetectorConfig;
  /** By class index. */
  readonly classNames: readonly string[];
  /** By class index: the category ids of the training data. */
  readonly categoryIds: readonly number[];
  readonly pixels: PixelStats;
  /** Of the sides of the resized image, pixels. */
  readonly limits: ScaleLimits;
  readonly thresholds: DetectionThresholds;
}

/** A segmenter: images are resized with their aspect ratio kept. */
export interface SegmenterCard {
  readonly task: 'segment';
  readonly backbone: ConvNeXtV2Config;
  readonly head: UperNetConfig;
  /** By class index. */
  readonly classNames: readonly string[];
  readonly pixels: PixelStats;
  /** Of the sides of the resized image, pixels. */
  readonly limits: ScaleLimits;
  /** For sliding inference. */
  readonly window: SlidingWindow;
  /** Factors on the limits for multi-scale inference. */
  readonly ratios: readonly number[];
}

/** A masked autoencoder, which predicts nothing: training starts from it. */
export interface AutoencoderCard {
  readonly task: 'pretrain';
  readonly fcmae: FcmaeConfig;
  readonly pixels: PixelStats;
  readonly resize: EvaluationResize;
}

/** The card of a task. */
export type CardOf<Task extends TaskName> = Extract<ModelCard, { readonly task: Task }>;

/** How people call the models of a task. */
const KINDS: Readonly<Record<TaskName, string>> = {
  classify: 'a classifier',
  detect: 'a detector',
  segment: 'a segmenter',
  pretrain: 'a masked autoencoder',
};

const object = (properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const NUMBER = { type: 'number' };
const ANY = {};
const COUNT = { type: 'integer', minimum: 1 };
const LENGTH = { type: 'number', exclusiveMinimum: 0 };
const list = (items: object, size?: number): object => ({
  type: 'array',
  items,
  minItems: size ?? 1,
  ...(size === undefined ? {} : { maxItems: size }),
});
const NAMES = list({ type: 'string' });
const PIXELS = object({ mean: list(NUMBER, 3), std: list(LENGTH, 3) });
const BACKBONE = object({ depths: list(COUNT, 4), dims: list(COUNT, 4) });
const LIMITS = object({ long: LENGTH, short: LENGTH });
const RESIZE = object({
  inputSize: COUNT,
  cropFraction: LENGTH,
  mode: { enum: ['crop', 'warp'] },
  filter: { enum: ['bicubic', 'bilinear'] },
});

/** Fields that every version has written; what a later one adds is let through. */
const SCHEMAS: Readonly<Record<TaskName, object>> = {
  classify: object({ backbone: BACKBONE, classNames: NAMES, pixels: PIXELS, resize: RESIZE }),
  detect: object({
    backbone: BACKBONE,
    detector: object({ numClasses: COUNT, channels: COUNT, stages: list(ANY) }),
    classNames: NAMES,
    categoryIds: list({ type: 'integer' }),
    pixels: PIXELS,
    limits: LIMITS,
    thresholds: object({
      scoreThreshold: NUMBER,
      suppression: object({ kind: ANY }),
      maxPerImage: COUNT,
      maskThreshold: NUMBER,
    }),
  }),
  segment: object({
    backbone: BACKBONE,
    head: object({ numClasses: COUNT, channels: COUNT }),
    classNames: NAMES,
    pixels: PIXELS,
    limits: LIMITS,
    window: object({ cropSize: COUNT, stride: COUNT }),
    ratios: list(LENGTH),
  }),
  pretrain: object({ fcmae: object({}), pixels: PIXELS, resize: RESIZE }),
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
