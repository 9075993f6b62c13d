import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { OptionError } from '../core/errors.js';
import type { DataLayout, DataOptions } from '../datasets/layout/types.js';
import { RARE } from './help.js';
import { readClassNames } from '../datasets/class-names.js';
import { fraction, wholeNumber } from './engine-options.js';

/** Values of the options that {@link addDataOptions} adds. */
export interface DataFlags {
  readonly layout?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly classAttribute?: string | undefined;
}

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
export interface EvaluatedDataFlags {
  readonly data: string;
  readonly split: 'train' | 'val';
  readonly limit?: number;
  readonly valFraction?: number;
  readonly seed: number;
  readonly layout?: string;
  readonly classAttribute?: string;
  readonly dataClasses?: readonly string[];
}

/** Adds `--data`, `--split`, `--limit` and how to read the data to a verb that evaluates a model. */
export function addEvaluatedDataOptions(command: Command): Command {
  return command
    .requiredOption('--data <path>', 'data set')
    .option('--split <name>', 'train or val', 'val')
    .option('--limit <n>', 'only the first n images', wholeNumber('--limit'))
    .option(
      '--val-fraction <fraction>',
      'fraction that is held out, for data without splits',
      fraction('--val-fraction'),
    )
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

/** Kinds of data by task. */
const KIND_OF = {
  classify: 'classification',
  detect: 'detection',
  segment: 'segmentation',
} as const satisfies Readonly<Record<string, DataLayout['kind']>>;

/** Option for data that serve several tasks: polygons and masks are objects, or are drawn as labels of pixels. */
export function taskOption(): Option {
  return new Option('--task <task>', 'the task that the set is for: classify, detect or segment');
}

/** Kind of data of a task; undefined if none is given. @throws ConfigError for an unknown task */
export function kindOfTask(task: string | undefined): DataLayout['kind'] | undefined {
  if (task === undefined) return undefined;
  if (Object.hasOwn(KIND_OF, task)) return KIND_OF[task as keyof typeof KIND_OF];
  throw new OptionError(`--task: expected classify, detect or segment, got ${task}`);
}

/** Option for data that can be read in several ways. */
export function layoutOption(): Option {
  return new Option('--layout <name>', 'how to read data that can be read in several ways');
}

/** Option for formats whose regions have several attributes. */
export function classAttributeOption(): Option {
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
