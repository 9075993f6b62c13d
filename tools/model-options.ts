import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import { assertTile, type TileOptions } from '../inference/tiles/grid.js';
import type { OpenOptions } from '../inference/open.js';
import {
  addEngineOptions,
  channelList,
  fraction,
  positiveList,
  wholeNumber,
  type EngineFlags,
} from './engine-options.js';
import { RARE, WEIGHT_FILES } from './help.js';
import type { JsonFlag } from './output.js';

/** Values of the options that {@link addModelOptions} adds. */
export type ModelFlags = EngineFlags &
  JsonFlag &
  Pick<
    OpenOptions,
    'task' | 'classes' | 'size' | 'mean' | 'std' | 'crop' | 'ema' | 'cache' | 'offline'
  >;

/** Adds the options of verbs that open a model: weights, class names, cache, engine, `--json`. */
export function addModelOptions(command: Command): Command {
  command
    .optionsGroup(WEIGHT_FILES)
    .option('--task <task>', 'classify, detect or segment, for weight files that do not say it')
    .option('--classes <file>', 'class names, for weight files without (JSON or one per line)')
    .option(
      '--size <px>',
      'side of the input, for weight files that do not say it',
      wholeNumber('--size'),
    )
    .option(
      '--mean <r,g,b>',
      'mean of the channels, where 1 is white, for weight files that do not say it',
      channelList('--mean'),
    )
    .option(
      '--std <r,g,b>',
      'standard deviation of the channels, for weight files that do not say it',
      channelList('--std'),
    )
    .option(
      '--crop <fraction>',
      'fraction of the resized short side that the crop keeps, for weight files that do not say it (classify)',
      fraction('--crop'),
    )
    .optionsGroup(RARE)
    .option(
      '--ema',
      'use the moving average of the weights (default: where it scored better in the run)',
    )
    .option('--no-ema', 'use the weights themselves')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--offline', 'refuse a name that is not in the cache instead of pulling it')
    .optionsGroup('')
    .option('--json', 'print one JSON document');
  return addEngineOptions(command);
}

/** Values of the options that {@link addTileOptions} adds. */
export interface TileFlags {
  readonly tile?: number | undefined;
  readonly overlap?: number | undefined;
}

/** Values of the options that {@link addImageOptions} adds. */
export interface ImageFlags extends ModelFlags, TileFlags {
  readonly tta: boolean;
  readonly slide: boolean;
  readonly ratios?: readonly number[] | undefined;
  readonly shard?: string | undefined;
}

/** Values of the options of `predict`. */
export interface PredictFlags extends ImageFlags {
  readonly out?: string;
  readonly top?: number;
  readonly score?: number;
  readonly perClassNms: boolean;
  readonly max?: number;
  readonly palette?: string;
  readonly format?: string;
  readonly watch: boolean;
  readonly frames?: string;
}

/** Adds the options of verbs that run a model on images. */
export function addImageOptions(command: Command): Command {
  command
    .option('--tta', 'average over mirror images and scales (detect, segment)', false)
    .optionsGroup(RARE)
    .option(
      '--ratios <list>',
      'factors of the size for --tta, e.g. 0.5,0.75,1 (segment; default: those of the model)',
      positiveList('--ratios'),
    )
    .optionsGroup('')
    .option('--slide', 'sliding windows instead of whole images (segment)', false);
  addTileOptions(command)
    .optionsGroup(RARE)
    .option('--shard <i/n>', 'only shard i of n, from 0; all into the same --out');
  return addModelOptions(command);
}

/** Adds `--tile` and `--overlap`. */
export function addTileOptions(command: Command): Command {
  return command
    .option('--tile <px>', 'large pictures in tiles (detect, segment)', wholeNumber('--tile'))
    .optionsGroup(RARE)
    .option(
      '--overlap <fraction>',
      'fraction of a tile that neighbors share (default: 0.2)',
      fraction('--overlap'),
    )
    .optionsGroup('');
}

/** Tiles of the options; undefined without. @throws OptionError for sizes out of range, and for `--overlap` alone */
export function tileOf({ tile: size, overlap }: TileFlags): TileOptions | undefined {
  if (size === undefined) {
    if (overlap === undefined) return undefined;
    throw new OptionError(`--overlap ${overlap}: expected --tile SIZE with it, got none`);
  }
  const tile = { size, overlap };
  assertTile(tile);
  return tile;
}
