import { assertList, assertObject, describedValue, kindOf } from '../core/arguments.js';
import { InputError, OptionError, quote } from '../core/errors.js';
import * as rule from '../core/options.js';
import type { ImageResult } from '../core/results.js';
import type { HostTensor } from '../engine/runtime/program.js';
import { assertTile, type TileOptions } from './tiles/grid.js';

/** Largest factor of test-time augmentation. */
const MAX_RATIO = 8;

/** Tasks with predictions for images. */
export type PredictTask = ImageResult['task'];

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
  /**
   * Square tiles of a picture instead of the whole of it, for large pictures with small objects (detect, segment): every
   * tile is resized and predicted like a picture of its own, and the results are merged. Files are then read in parts.
   */
  readonly tile?: TileOptions | undefined;
  /** Number of classes, the most probable ones (classify). */
  readonly top?: number | undefined;
  /** Whether to copy the weights into the sessions: faster for many images of one size. */
  readonly frozen?: boolean | undefined;
  /** Whether to use the EMA of the weights; default: where it scored better in the run. */
  readonly ema?: boolean | undefined;
}

/** Options of a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of a prediction. */
export interface PredictCallOptions
  extends CallOptions, Pick<PredictOptions, 'score' | 'perClassNms' | 'max' | 'top' | 'tile'> {}

const COUNT_RULES = {
  score: rule.A_FRACTION,
  perClassNms: rule.TRUE_OR_FALSE,
  max: rule.ruled('a whole number of objects', (v) => Number.isInteger(v) && (v as number) >= 0),
  top: rule.wholeFrom(1, ' of classes'),
  tile: rule.ANYTHING,
} as const;

/** Rules of {@link PredictOptions}; lists and tiles are checked by {@link assertPredictOptions}. */
export const PREDICT_RULES: rule.OptionRules<PredictOptions> = {
  ...COUNT_RULES,
  tta: rule.TRUE_OR_FALSE,
  ratios: rule.ANYTHING,
  slide: rule.TRUE_OR_FALSE,
  frozen: rule.TRUE_OR_FALSE,
  ema: rule.TRUE_OR_FALSE,
};

const CALL_RULES: rule.OptionRules<CallOptions> = { signal: rule.A_SIGNAL };

const PREDICT_CALL_RULES: rule.OptionRules<PredictCallOptions> = { ...CALL_RULES, ...COUNT_RULES };

/**
 * Checks options of a call.
 *
 * @throws OptionError for unknown options and values of another kind, out of range, or for another task
 */
export function assertCallOptions(options: PredictCallOptions, task: PredictTask): void {
  rule.assertOptions('predict', options, PREDICT_CALL_RULES);
  assertFits(options, task);
}

/**
 * Checks inputs and options of a call of a classifier's network.
 *
 * @param where name of the method
 * @param takesWholeImages whether the network is that of an exported file, which has its own layout and type
 * @throws InputError
 */
export function assertBatchCall(
  where: string,
  inputs: readonly HostTensor[],
  options: CallOptions,
  takesWholeImages: boolean,
): void {
  assertList(where, 'a list of preprocessed images', inputs);
  if (inputs.length === 0) throw new InputError(`${where}: expected images, got none`);
  for (const images of inputs) {
    assertObject(where, 'preprocessed images { shape, data }', images, 'shape', 'data');
    const { shape, data } = images;
    assertList(where, 'a shape', shape);
    const length = [...shape].reduce((product, side) => product * side, 1);
    const fits = shape.length === 4 && shape[3] === 3 && kindOf(data) === 'Float32Array';
    if (!fits && !takesWholeImages)
      throw new InputError(
        `${where}: expected float32 values of shape [N, H, W, 3], got ${describedValue(data)} of [${[...shape].join(', ')}]`,
      );
    if (data.length !== length)
      throw new InputError(`${where}: expected ${length} values, got ${data.length}`);
    if (kindOf(data) !== kindOf(inputs[0].data))
      throw new InputError(
        `${where}: expected images of one type, got ${describedValue(inputs[0].data)} and ${describedValue(data)}`,
      );
    if (images.shape.slice(1).join() !== inputs[0].shape.slice(1).join())
      throw new InputError(
        `${where}: expected images of one size, got [${inputs[0].shape.join(', ')}] and [${shape.join(', ')}]`,
      );
  }
  rule.assertOptions(where, options, CALL_RULES);
}

/** Tasks that options have a meaning for; models of all tasks take the others. */
const TASKS_OF = {
  tta: ['detect', 'segment'],
  slide: ['segment'],
  ratios: ['segment'],
  tile: ['detect', 'segment'],
  perClassNms: ['detect'],
  max: ['detect'],
} as const satisfies Partial<Record<keyof PredictOptions, readonly PredictTask[]>>;

const MODELS: Readonly<Record<PredictTask, string>> = {
  classify: 'classifier',
  detect: 'detector',
  segment: 'segmenter',
};

/**
 * Checks options of a model, which its task must have a use for; options of a call may be the same for models of all tasks,
 * but for tiles.
 *
 * @throws as {@link assertCallOptions}
 */
export function assertPredictOptions(options: PredictOptions, task: PredictTask): void {
  rule.assertOptions('options', options, PREDICT_RULES);
  for (const name of Object.keys(TASKS_OF) as (keyof typeof TASKS_OF)[])
    assertTask(name, options[name], task);
  assertFits(options, task);
}

function assertTask(name: keyof typeof TASKS_OF, value: unknown, task: PredictTask): void {
  const tasks: readonly PredictTask[] = TASKS_OF[name];
  if (value === undefined || value === false || tasks.includes(task)) return;
  const wanted = tasks.map((each) => MODELS[each]).join(' or ');
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new OptionError(`${name}: expected a ${wanted}, got the task ${task}`, {
    flags: { [`${name}:`]: `${flag}:` },
  });
}

function assertFits({ ratios, tile }: PredictOptions, task: PredictTask): void {
  assertTask('tile', tile, task);
  if (tile !== undefined) assertTile(tile);
  if (ratios === undefined) return;
  if (!Array.isArray(ratios as unknown))
    throw new OptionError(`ratios: expected a list of numbers, got ${quote(ratios)}`);
  if (ratios.length === 0 || !ratios.every((ratio) => ratio > 0 && ratio <= MAX_RATIO))
    throw new OptionError(
      `ratios: expected numbers above 0 and up to ${MAX_RATIO}, got [${ratios.join(', ')}]`,
    );
}
