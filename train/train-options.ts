import { ConfigError, DataError } from '../core/errors.js';
import {
  A_FRACTION,
  A_SIGNAL,
  A_TEXT,
  ABOVE_0,
  AN_OBJECT,
  ANYTHING,
  assertOptions,
  AT_LEAST_0,
  ruled,
  TEXTS,
  TRUE_OR_FALSE,
  wholeFrom,
  type OptionRules,
} from '../core/options.js';
import { A_BACKBONE } from '../engine/backbone.js';
import { assertEngine } from '../engine/runtime/engine.js';
import type { RecipeConfig } from './config/schemas.js';
import { A_COMMUNICATOR } from './distributed/communicator.js';
import type { RunListener } from './log-record.js';
import type { TrainOptions } from './options.js';
import { TASKS } from './tasks/index.js';

/** Rules of {@link TrainOptions}; data, engine and folder have messages of their own. */
export const TRAIN_RULES: OptionRules<TrainOptions> = {
  data: ANYTHING,
  folder: ANYTHING,
  weights: A_TEXT,
  model: A_TEXT,
  config: AN_OBJECT,
  configFile: A_TEXT,
  set: TEXTS,
  batch: wholeFrom(1),
  lr: AT_LEAST_0,
  size: wholeFrom(1),
  seed: wholeFrom(0),
  steps: wholeFrom(0),
  minutes: ABOVE_0,
  epochs: ABOVE_0,
  overfit: wholeFrom(1),
  valFraction: A_FRACTION,
  layout: A_TEXT,
  classAttribute: A_TEXT,
  classes: ruled('a list of different names', areNames),
  patience: wholeFrom(0),
  checkpointMinutes: AT_LEAST_0,
  resume: TRUE_OR_FALSE,
  report: TRUE_OR_FALSE,
  cache: A_TEXT,
  offline: TRUE_OR_FALSE,
  backbone: A_BACKBONE,
  engine: ANYTHING,
  communicator: A_COMMUNICATOR,
  signal: A_SIGNAL,
  listener: ruled('an object of functions record, restored, waits and note', isListener),
};

/** Parts of data in memory; sets of a folder have lines for people. */
const PARTS = { training: ANYTHING, validation: ANYTHING, classes: ANYTHING, lines: ANYTHING };

function isListener(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { record, restored, waits, note } = value as RunListener;
  return [record, restored, waits, note].every((call) =>
    ['undefined', 'function'].includes(typeof call),
  );
}

function areNames(value: unknown): boolean {
  if (!Array.isArray(value) || new Set(value).size < value.length) return false;
  return value.every((name) => typeof name === 'string' && name !== '');
}

/**
 * Checks what TypeScript checks in typed programs, and ranges.
 *
 * @throws ConfigError, DataError
 */
export function assertTrainOptions(recipe: unknown, options: unknown): void {
  if (typeof recipe !== 'string' && !(Object(recipe as RecipeConfig).task in TASKS))
    throw new ConfigError('recipe: expected a name or a configuration with its task');
  const { folder, data, engine } = Object(options) as Partial<TrainOptions>;
  if (typeof folder !== 'string' || folder === '')
    throw new ConfigError(`folder: expected the path of a run folder, got ${String(folder)}`);
  const { training } = Object(data) as { readonly training?: unknown };
  if (data !== undefined && typeof data !== 'string' && Object(training) !== training)
    throw new DataError(
      'data: expected a path, or sets or lists of examples as { training, validation }',
    );
  assertOptions('train', options, TRAIN_RULES, { prefix: 'train: ' });
  if (data !== undefined && typeof data !== 'string')
    assertOptions('data', data, PARTS, { Refusal: DataError });
  if (engine !== undefined) assertEngine(engine);
}
