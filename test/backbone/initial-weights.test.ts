import { expect, test } from 'vitest';
import { convNeXtV2Specs } from '../../backbone/convnextv2.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';

const CONFIG = {
  depths: [1, 0, 0, 1],
  dims: [32, 32, 32, 128],
  responseNorm: 'grn',
} as const satisfies ConvNeXtV2Config;

/** Root of the mean square of a parameter's initial values. */
function spreadOf(config: ConvNeXtV2Config, path: string): number {
  const store = new ParameterStore(convNeXtV2Specs(config));
  store.initialize(1);
  const values = store.get(path);
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

/** Every kind of weight, with the number of inputs of a unit. */
const WEIGHTS = [
  ['downsample_layers.0.0.weight', 4 * 4 * 3],
  ['downsample_layers.3.1.weight', 2 * 2 * 32],
  ['stages.3.0.dwconv.weight', 7 * 7],
  ['stages.3.0.pwconv1.weight', 128],
  ['stages.3.0.pwconv2.weight', 512],
] as const;

test.each(WEIGHTS)('weights of %s start with standard deviation 0.02, as published', (path) => {
  expect(spreadOf(CONFIG, path) / 0.02).toBeCloseTo(1, 1);
});

test.each(WEIGHTS)('with fanIn, weights of %s scale with %i inputs', (path, numInputs) => {
  const config = { ...CONFIG, initialWeights: 'fanIn' } as const;
  expect(spreadOf(config, path) * Math.sqrt(numInputs)).toBeCloseTo(1, 1);
});

test('biases, norms and GRN do not depend on initialWeights', () => {
  for (const path of ['stages.3.0.pwconv1.bias', 'stages.3.0.grn.gamma'])
    expect(spreadOf({ ...CONFIG, initialWeights: 'fanIn' }, path)).toBe(0);
  expect(spreadOf({ ...CONFIG, initialWeights: 'fanIn' }, 'stages.3.0.norm.weight')).toBe(1);
});
