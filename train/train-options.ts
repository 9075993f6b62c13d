import { ConfigError, DataError } from '../core/errors.js';
import * as rule from '../core/options.js';
import { A_BACKBONE } from '../engine/backbone.js';
import { assertEngine } from '../engine/runtime/engine.js';
import type { RecipeConfig } from './config/schemas.js';
import { A_COMMUNICATOR } from './distributed/communicator.js';
import type { RunListener } from './log-record.js';
import type { TrainOptions } from './options.js';
import { TASKS } from './tasks/index.js';

/** Rules of {@link TrainOptions}; data, engine and folder have messages of their own. */
export const TRAIN_RULES: rule.OptionRules<TrainOptions> = {
  data: rule.ANYTHING,
  folder: rule.ANYTHING,
  weights: rule.A_TEXT,
  model: rule.A_TEXT,
  config: rule.AN_OBJECT,
  configFile: rule.A_TEXT,
  set: rule.TEXTS,
  batch: rule.wholeFrom(1),
  lr: rule.AT_LEAST_0,
  size: rule.wholeFrom(1),
  seed: rule.wholeFrom(0),
  steps: rule.wholeFrom(1),
  minutes: rule.ABOVE_0,
  epochs: rule.ABOVE_0,
  overfit: rule.wholeFrom(1),
  valFraction: rule.A_FRACTION,
  layout: rule.A_TEXT,
  classAttribute: rule.A_TEXT,
  classes: rule.ruled('a list of different names', areNames),
  patience: rule.wholeFrom(0),
  checkpointMinutes: rule.AT_LEAST_0,
  resume: rule.TRUE_OR_FALSE,
  report: rule.TRUE_OR_FALSE,
  cache: rule.A_TEXT,
  offline: rule.TRUE_OR_FALSE,
  backbone: A_BACKBONE,
  engine: rule.ANYTHING,
  communicator: A_COMMUNICATOR,
  signal: rule.A_SIGNAL,
  listener: rule.ruled('an object of functions record, restored, waits and note', isListener),
};

/** Parts of data in memory; sets of a folder have lines for people. */
const PARTS = {
  training: rule.ANYTHING,
  validation: rule.ANYTHING,
  classes: rule.ANYTHING,
  lines: rule.ANYTHING,
};

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
  rule.assertOptions('train', options, TRAIN_RULES, { prefix: 'train: ' });
  if (data !== undefined && typeof data !== 'string')
    rule.assertOptions('data', data, PARTS, { Refusal: DataError });
  if (engine !== undefined) assertEngine(engine);
}
