import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { compareByBootstrap, type ResampledMetrics } from '../../evaluation/bootstrap.js';

const OPTIONS = { samples: 1000, seed: 0 };

/** Mean of values by image. */
const meanOf =
  (values: readonly number[]): ResampledMetrics =>
  (draws) => ({
    mean: values.reduce((sum, value, i) => sum + draws[i] * value, 0) / values.length,
  });

describe('a mean over images', () => {
  const random = new Random(4);
  const first = Array.from({ length: 400 }, () => random.normal());

  test('has the interval of its standard error', () => {
    const [{ metrics, differences }] = compareByBootstrap(400, [meanOf(first)], OPTIONS);
    const mean = first.reduce((sum, value) => sum + value, 0) / 400;
    const spread = Math.sqrt(first.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / 400;
    expect(metrics['mean'].value).toBeCloseTo(mean, 12);
    expect(metrics['mean'].low).toBeCloseTo(mean - 1.96 * spread, 1.8);
    expect(metrics['mean'].high).toBeCloseTo(mean + 1.96 * spread, 1.8);
    expect(differences).toBeUndefined();
  });

  test('draws are paired: a small constant difference is sure, noise of the same size is not', () => {
    const shifted = first.map((value) => value + 0.05);
    const noisy = first.map((value) => value + 0.05 + 3 * random.normal());
    const [, constant, noise] = compareByBootstrap(
      400,
      [first, shifted, noisy].map(meanOf),
      OPTIONS,
    );
    expect(constant.differences?.['mean']).toMatchObject({ isSure: true, higher: 1 });
    expect(constant.differences?.['mean'].low).toBeCloseTo(0.05, 10);
    expect(constant.differences?.['mean'].high).toBeCloseTo(0.05, 10);
    expect(noise.differences?.['mean'].isSure).toBe(false);
  });

  test('a model equals itself', () => {
    const [, { differences }] = compareByBootstrap(400, [meanOf(first), meanOf(first)], OPTIONS);
    expect(differences?.['mean']).toEqual({
      value: 0,
      low: 0,
      high: 0,
      higher: 0.5,
      isSure: false,
    });
  });

  test('a seed gives the same intervals, another one others', () => {
    const run = (seed: number) => compareByBootstrap(400, [meanOf(first)], { ...OPTIONS, seed });
    expect(run(1)).toEqual(run(1));
    expect(run(2)).not.toEqual(run(1));
  });
});

test('draws without a value do not count', () => {
  const some: ResampledMetrics = (draws) => ({ share: draws[0] === 0 ? NaN : draws[0] });
  const [{ metrics }] = compareByBootstrap(3, [some], OPTIONS);
  expect(metrics['share']).toMatchObject({ value: 1, low: 1 });
  const [{ metrics: none }] = compareByBootstrap(3, [() => ({ share: NaN })], OPTIONS);
  expect(none['share'].low).toBeNaN();
});

test.each([0, 99, 1.5, 1e6])('%d draws are refused', (samples) => {
  expect(() => compareByBootstrap(3, [meanOf([1, 2, 3])], { samples, seed: 0 })).toThrow(
    ConfigError,
  );
});
