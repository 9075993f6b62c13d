import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { OptionError } from '../core/errors.js';
import type { DataLayout, DataOptions } from '../datasets/layout/types.js';
import type { EvaluationOptions } from '../train/evaluation.js';
import { RARE } from './help.js';
import { readClassNames } from '../datasets/class-names.js';
import { fraction, wholeNumber } from './engine-options.js';

/** Values of the options that {@link addDataOptions} adds. */
export type DataFlags = Pick<DataOptions, 'layout' | 'classes' | 'classAttribute'>;

/** Adds `--layout`, `--class-attribute` and `--classes` to a verb that reads a data set. */
export function addDataOptions(command: Command): Command {
  return command
    .optionsGroup(RARE)
    .addOption(layoutOption())
    .addOption(classAttributeOption())
    .option(
      '--classes <names>',
      'classes to use, separated by commas, or a file with one per line; for label files without names: all, in order of their numbers',
      classNames,
    )
    .optionsGroup('');
}

/** Values of the options that {@link addEvaluatedDataOptions} adds. */
export interface EvaluatedDataFlags extends EvaluationOptions {
  readonly data: string;
  readonly split: 'train' | 'val';
}

/** Adds `--data`, `--split`, `--limit` and how to read the data to a verb that evaluates a model. */
export function addEvaluatedDataOptions(command: Command): Command {
  return command
    .requiredOption('--data <path>', 'data set')
    .option('--split <name>', 'train or val', 'val')
    .option('--limit <n>', 'only the first n images', wholeNumber('--limit'))
    .addOption(valFractionOption())
    .option('--seed <n>', 'of that division', wholeNumber('--seed'), 0)
    .optionsGroup(RARE)
    .addOption(layoutOption())
    .addOption(classAttributeOption())
    .option(
      '--data-classes <names>',
      'classes of the data as --classes of train (here those of the model): names separated by commas, or a file with one per line',
      classNames,
    )
    .optionsGroup('');
}

/** Checks `--split`. @throws ConfigError if it is neither train nor val */
export function assertSplit(split: string): void {
  if (split !== 'train' && split !== 'val')
    throw new OptionError(`--split: expected train or val, got ${split}`);
}

/** Tasks by kind of data; also the names of their usual recipes. */
export const TASK_OF = {
  classification: 'classify',
  detection: 'detect',
  segmentation: 'segment',
} as const satisfies Readonly<Record<DataLayout['kind'], string>>;

/** Option for data that serve several tasks: polygons and masks are objects, or are drawn as labels of pixels. */
export function taskOption(): Option {
  return new Option('--task <task>', 'the task that the set is for: classify, detect or segment');
}

/** Kind of data of a task; undefined if none is given. @throws ConfigError for an unknown task */
export function kindOfTask(task: string | undefined): DataLayout['kind'] | undefined {
  if (task === undefined) return undefined;
  const kinds = Object.keys(TASK_OF) as readonly DataLayout['kind'][];
  const kind = kinds.find((each) => TASK_OF[each] === task);
  if (kind !== undefined) return kind;
  throw new OptionError(`--task: expected classify, detect or segment, got ${task}`);
}

/** Option for data without splits. */
export function valFractionOption(): Option {
  const text = 'fraction that is held out, for data without splits';
  return new Option('--val-fraction <fraction>', text).argParser(fraction('--val-fraction'));
}

/** Option for data that can be read in several ways. */
function layoutOption(): Option {
  return new Option('--layout <name>', 'how to read data that can be read in several ways');
}

/** Option for formats whose regions have several attributes. */
function classAttributeOption(): Option {
  return new Option('--class-attribute <name>', 'attribute that holds the class (VIA)');
}

/** Selects the options of the data from the flags of a verb. */
export function dataOptions({ layout, classes, classAttribute }: DataFlags): DataOptions {
  return { layout, classes, classAttribute };
}

/** Parses class names: a file, or names. */
export function classNames(text: string): readonly string[] {
  if (existsSync(text)) return readClassNames(text);
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === ''))
    throw new OptionError(`--classes: expected names separated by commas, got "${text}"`);
  return names;
}
