import { expect, test } from 'vitest';
import { vectorSpec } from '../../../engine/parameters/layers.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { combineMoments, updateRunningMoments } from '../../../train/distributed/moments.js';

test('running moments take a tenth of the batch, its variance unbiased', () => {
  const updated = (count: number): [mean: number, variance: number] => {
    const store = new ParameterStore({
      bn: { running_mean: vectorSpec(1), running_var: vectorSpec(1) },
    });
    store.values.set([10, 1]);
    const batch = { mean: Float32Array.of(3), variance: Float32Array.of(3), count };
    updateRunningMoments(store, 'bn', batch, 0.1);
    return [store.values[0], store.values[1]];
  };
  // 0.9 · 10 + 0.1 · 3 and 0.9 · 1 + 0.1 · 3 · 4 / 3
  expect(updated(4).map((v) => Number(v.toFixed(5)))).toEqual([9.3, 1.3]);
  // A single value has no unbiased variance; PyTorch refuses it, here it stays biased.
  expect(updated(1).map((v) => Number(v.toFixed(5)))).toEqual([9.3, 1.2]);
  expect(updated(0)).toEqual([10, 1]);
});

test('moments are combined as if their values were one set: of 1, 2, 6 and 3, 4', () => {
  const first = { mean: Float64Array.of(3), variance: Float64Array.of(14 / 3), count: 3 };
  const second = { mean: Float64Array.of(3.5), variance: Float64Array.of(0.25), count: 2 };
  const { mean, variance, count } = combineMoments(first, second);
  expect([mean[0], variance[0], count]).toEqual([
    expect.closeTo(3.2, 12),
    expect.closeTo(2.96, 12),
    5,
  ]);
});
