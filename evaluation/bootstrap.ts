import { OptionError } from '../core/errors.js';
import { Random } from '../core/random.js';

/**
 * Metrics by name of a set of images, each counted as often as it was drawn; NaN if undefined for them.
 *
 * @param draws `[N]`
 */
export type ResampledMetrics = (draws: Uint32Array) => Readonly<Record<string, number>>;

/** A value with the interval that 95 % of the draws lie in. */
export interface Estimate {
  readonly value: number;
  /** NaN if no draw has a value. */
  readonly low: number;
  readonly high: number;
}

/** Difference of a model to the first one on the same draws. */
export interface Difference extends Estimate {
  /** Fraction of the draws in which the model has the higher value; ties count half. */
  readonly higher: number;
  /** Whether the interval excludes 0. */
  readonly isSure: boolean;
}

/** Metrics of a model. */
export interface ComparedMetrics {
  readonly metrics: Readonly<Record<string, Estimate>>;
  /** By metric; absent for the first model. */
  readonly differences?: Readonly<Record<string, Difference>> | undefined;
}

/** Options of {@link compareByBootstrap}. */
export interface BootstrapOptions {
  /** Number of draws, from 100. */
  readonly samples: number;
  readonly seed: number;
}

const LEAST_SAMPLES = 100;
const MOST_SAMPLES = 100_000;
/** Both tails of a 95 % interval. */
const TAIL = 0.025;

/**
 * Compares models by a paired bootstrap over images: as many images as there are, are drawn with replacement, the same for
 * all models, and metrics and their differences to the first model are computed for each draw. The intervals are the
 * percentiles of the draws: they say how much depends on which images happen to be in the set, not on the seed of a training.
 *
 * @param numImages N, of the set that all models were evaluated on
 * @param models of which the first one is the baseline
 * @throws ConfigError for too few or too many samples
 * @see Efron and Tibshirani, An introduction to the bootstrap, chapter 13
 */
export function compareByBootstrap(
  numImages: number,
  models: readonly ResampledMetrics[],
  { samples, seed }: BootstrapOptions,
): readonly ComparedMetrics[] {
  if (!Number.isInteger(samples) || samples < LEAST_SAMPLES || samples > MOST_SAMPLES)
    throw new OptionError(
      `samples: expected a whole number from ${LEAST_SAMPLES} to ${MOST_SAMPLES}, got ${samples}`,
    );
  const once = new Uint32Array(numImages).fill(1);
  const whole = models.map((metricsOf) => metricsOf(once));
  const drawn = models.map(() => new Map<string, Float64Array>());
  for (let s = 0; s < samples; s++) {
    const draws = drawImages(new Random(seed, s), numImages);
    models.forEach((metricsOf, m) => {
      for (const [name, value] of Object.entries(metricsOf(draws))) {
        const values = drawn[m].get(name) ?? new Float64Array(samples).fill(NaN);
        values[s] = value;
        drawn[m].set(name, values);
      }
    });
  }
  return models.map((_, m) => {
    const names = Object.keys(whole[m]);
    const metrics = names.map((name) => {
      return [name, { value: whole[m][name], ...intervalOf(drawn[m].get(name)!) }] as const;
    });
    if (m === 0) return { metrics: Object.fromEntries(metrics) };
    const common = names.filter((name) => name in whole[0]);
    const differences = common.map((name) => {
      const before = drawn[0].get(name)!;
      const change = drawn[m].get(name)!.map((value, s) => value - before[s]);
      return [name, differenceOf(whole[m][name] - whole[0][name], change)] as const;
    });
    return { metrics: Object.fromEntries(metrics), differences: Object.fromEntries(differences) };
  });
}

/** Draws `count` images with replacement. @returns `[count]`, how often each was drawn */
function drawImages(random: Random, count: number): Uint32Array {
  const draws = new Uint32Array(count);
  for (let i = 0; i < count; i++) draws[random.integer(count)]++;
  return draws;
}

function differenceOf(value: number, change: Float64Array): Difference {
  const { low, high } = intervalOf(change);
  const defined = change.filter((each) => !Number.isNaN(each));
  const score = defined.reduce((sum, each) => sum + (each > 0 ? 1 : each === 0 ? 0.5 : 0), 0);
  return { value, low, high, higher: score / defined.length, isSure: low > 0 || high < 0 };
}

function intervalOf(values: Float64Array): { readonly low: number; readonly high: number } {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return { low: quantile(sorted, TAIL), high: quantile(sorted, 1 - TAIL) };
}

/** Quantile of sorted values, interpolated linearly; NaN without values. */
function quantile(sorted: Float64Array, fraction: number): number {
  if (sorted.length === 0) return NaN;
  const at = fraction * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
