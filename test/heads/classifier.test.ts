import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { linear } from '../../engine/ops/linear.js';
import { layerNorm } from '../../engine/ops/layer-norm.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import { classifier, classifierSpecs } from '../../heads/classifier.js';
import type { OpCase } from '../engine/op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
} from '../engine/op-case.js';

type Inputs = {
  c5: tf.Tensor4D;
  weight: tf.Tensor1D;
  bias: tf.Tensor1D;
  headWeight: tf.Tensor2D;
  headBias: tf.Tensor1D;
};

const head = (
  which: 'pooled' | 'features' | 'logits',
  inputs: OpCase<Inputs>['inputs'],
  eps = 1e-6,
): OpCase =>
  opCase<Inputs>({
    name: `classifier: ${which}`,
    inputs,
    ...(which === 'pooled' ? { differentiable: ['c5'] as const } : {}),
    ...(which === 'features' ? { differentiable: ['c5', 'weight', 'bias'] as const } : {}),
    op: ({ c5, weight, bias, headWeight, headBias }) =>
      tf.tidy(() => {
        const params = { norm: { weight, bias }, head: { weight: headWeight, bias: headBias } };
        return classifier(c5, params, { eps })[which];
      }),
  });

const inputs: OpCase<Inputs>['inputs'] = {
  c5: values(1, [2, 3, 4, 6], [-2, 3]),
  weight: values(2, [6], [0.5, 2]),
  bias: values(3, [6]),
  headWeight: values(4, [6, 5]),
  headBias: values(5, [5]),
};

describe.each(WAYS)('values computed by hand, %s', (way) => {
  const small: OpCase<Inputs>['inputs'] = {
    // Means over the positions: (2, 4).
    c5: floats([1, 1, 2, 2], [1, 8, 3, 0]),
    weight: floats([2], [3, 1]),
    bias: floats([2], [0, 10]),
    headWeight: floats([2, 3], [1, 0, 1, 0, 1, 1]),
    headBias: floats([3], [0, 0, 100]),
  };

  test('pool, then normalize, then classify', async () => {
    expectSame('pooled', await forward(way, head('pooled', small, 3)), floats([1, 2], [2, 4]));
    // Mean 3, variance 1: ∓1 / √(1 + 3) = ∓0.5
    const features = await forward(way, head('features', small, 3));
    expectSame('features', features, floats([1, 2], [-1.5, 10.5]));
    const logits = await forward(way, head('logits', small, 3));
    expectSame('logits', logits, floats([1, 3], [-1.5, 10.5, 109]));
  });

  test('is not the same as normalizing before the pool', async () => {
    const swapped: OpCase = {
      ...head('logits', inputs),
      op: (i) =>
        tf.tidy(() => {
          const norm = { weight: i.weight as tf.Tensor1D, bias: i.bias as tf.Tensor1D };
          const pooled = layerNorm(i.c5, norm, 1e-6).mean<tf.Tensor2D>([1, 2]);
          return linear(pooled, { weight: i.headWeight as tf.Tensor2D, bias: i.headBias as tf.Tensor1D }); // prettier-ignore
        }),
    };
    const [ours, other] = [await forward(way, head('logits', inputs)), await forward(way, swapped)];
    expect([...ours.data]).not.toEqual([...other.data]);
  });
});

test('specs have the official names; the head’s weights are scaled, its bias is zero', () => {
  const specs = Object.fromEntries(listSpecs({ ...classifierSpecs(6, 5, { initScale: 0.001 }) }));
  expect(Object.keys(specs)).toEqual(['norm.weight', 'norm.bias', 'head.weight', 'head.bias']);
  expect(specs['head.weight'].shape).toEqual([6, 5]);
  const init = specs['head.weight'].init as { kind: string; std: number; limit: number };
  expect(init.kind).toBe('truncatedNormal');
  expect(init.std).toBeCloseTo(2e-5, 12);
  expect(init.limit).toBeCloseTo(2e-3, 12);
  expect(specs['head.bias'].init).toEqual({ kind: 'constant', value: 0 });
});

describeOp([head('pooled', inputs), head('features', inputs), head('logits', inputs)]);
