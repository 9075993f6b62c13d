import { OptionError } from '../../core/errors.js';
import { flattenSettings, mergeSettings, type MergedSettings, type Settings } from './layers.js';
import type { RecipeConfig } from './schemas.js';

/** Settings that most people change, under names that are the same for all tasks. */
export interface Shortcuts {
  /** Images of a micro-batch, `batchSize`; `accumulation` keeps the images of an update near those of the recipe. */
  readonly batch?: number | undefined;
  /** Peak learning rate, `lr`; for pre-training `baseLr`, that of 256 images per update. */
  readonly lr?: number | undefined;
  /** Short side of the input in pixels; all sizes of the input are scaled alike. */
  readonly size?: number | undefined;
}

/** Names of the shortcuts, in the order in which they are applied. */
const NAMES = ['batch', 'lr', 'size'] as const satisfies readonly (keyof Shortcuts)[];

/**
 * Applies shortcuts over all other settings. The source of their values is the option: `--size`.
 *
 * @param config the settings, checked
 * @throws ConfigError if `--set` has set what a shortcut sets
 */
export function applyShortcuts(
  merged: MergedSettings,
  config: RecipeConfig,
  shortcuts: Shortcuts,
): MergedSettings {
  return NAMES.reduce((result, name) => {
    const value = shortcuts[name];
    if (value === undefined) return result;
    const over = SETTERS[name](config, value, merged);
    for (const [path] of flattenSettings(over)) assertFree(merged, path, `--${name}`);
    return mergeSettings(result, over, `--${name}`);
  }, merged);
}

/** Checks that `--set` does not set what an option sets. @throws ConfigError */
export function assertFree(
  { sources }: Pick<MergedSettings, 'sources'>,
  path: string,
  option: string,
): void {
  const source = sources[path] ?? '';
  if (source.startsWith('--set '))
    throw new OptionError(
      `${option}: expected either ${option} or ${source}, since both set ${path}, got both`,
    );
}

/**
 * Accumulation that a set has images for, where `--batch` has chosen it: an epoch must have one update at least.
 *
 * @param images number of images of the set, or of the part of a process
 * @returns undefined if it stays
 */
export function affordableAccumulation(
  {
    config: { batchSize, accumulation },
    sources,
  }: { readonly config: RecipeConfig } & Pick<MergedSettings, 'sources'>,
  images: number,
): number | undefined {
  const most = Math.max(1, Math.floor(images / batchSize));
  return sources['accumulation'] === '--batch' && accumulation > most ? most : undefined;
}

/** Describes the settings of shortcuts: `--batch 4: batchSize=4, accumulation=1`. */
export function describeShortcuts(
  { config, sources }: { readonly config: RecipeConfig } & Pick<MergedSettings, 'sources'>,
  shortcuts: Shortcuts,
): readonly string[] {
  const settings = flattenSettings(config as unknown as Settings);
  return NAMES.flatMap((name) => {
    if (shortcuts[name] === undefined) return [];
    const values = settings
      .filter(([path]) => sources[path] === `--${name}`)
      .map(([path, value]) => `${path}=${JSON.stringify(value)}`);
    return [`--${name} ${shortcuts[name]}: ${values.join(', ')}`];
  });
}

type Setter = (config: RecipeConfig, value: number, merged: MergedSettings) => Settings;

const SETTERS: Readonly<Record<keyof Shortcuts, Setter>> = {
  batch: ({ batchSize, accumulation }, batch, { sources }) => ({
    batchSize: batch,
    // A setting of the user stays, wherever it was set.
    ...((sources['accumulation'] ?? 'recipe').startsWith('recipe') && {
      accumulation: Math.max(1, Math.round((batchSize * accumulation) / batch)),
    }),
  }),
  lr: ({ task }, lr) => (task === 'pretrain' ? { baseLr: lr } : { lr }),
  size: settingsOfSize,
};

/** Settings that scale all sizes of the input alike. @param size short side of the input of evaluations in pixels */
export function settingsOfSize(config: RecipeConfig, size: number): Settings {
  return sizesOf(config, scaleTo(size, shortSide(config)));
}

/** Short side of the input of evaluations in pixels. */
function shortSide(config: RecipeConfig): number {
  const { evaluation } = config;
  return 'limits' in evaluation ? evaluation.limits.short : evaluation.inputSize;
}

type Scale = <Pixels extends number | readonly number[]>(pixels: Pixels) => Pixels;

function scaleTo(size: number, from: number): Scale {
  const one = (pixels: number): number => Math.max(1, Math.round((pixels * size) / from));
  return (pixels) => (typeof pixels === 'number' ? one(pixels) : pixels.map(one)) as typeof pixels;
}

/** Settings in pixels of the input, scaled. */
function sizesOf(config: RecipeConfig, scale: Scale): Settings {
  switch (config.task) {
    case 'classify':
    case 'pretrain': {
      const { training, evaluation } = config;
      return {
        training:
          training.kind === 'training'
            ? { inputSize: scale(training.inputSize) }
            : { resize: { inputSize: scale(training.resize.inputSize) } },
        evaluation: { inputSize: scale(evaluation.inputSize) },
      };
    }
    case 'detect':
      return {
        training: detectionSizes(config.training, scale),
        evaluation: { limits: limits(config.evaluation.limits, scale) },
      };
    case 'segment': {
      const { geometry, evaluation } = config;
      const { cropSize, stride } = evaluation.window;
      return {
        geometry: { scale: limits(geometry.scale, scale), cropSize: scale(geometry.cropSize) },
        evaluation: {
          limits: limits(evaluation.limits, scale),
          window: { cropSize: scale(cropSize), stride: scale(stride) },
        },
      };
    }
    default:
      return config satisfies never;
  }
}

function detectionSizes(
  training: Extract<RecipeConfig, { task: 'detect' }>['training'],
  scale: Scale,
): Settings {
  switch (training.kind) {
    case 'evaluation':
      return { limits: limits(training.limits, scale) };
    case 'multiScale': {
      const { shortSides, longSide, crop } = training.scales;
      return {
        scales: {
          shortSides: scale(shortSides),
          longSide: scale(longSide),
          crop: { shortSides: scale(crop.shortSides), sides: scale(crop.sides) },
        },
      };
    }
    case 'largeScaleJitter':
      return { jitter: { size: scale(training.jitter.size) } };
    default:
      return training satisfies never;
  }
}

const limits = (
  { long, short }: { readonly long: number; readonly short: number },
  scale: Scale,
): Settings => ({ long: scale(long), short: scale(short) });
