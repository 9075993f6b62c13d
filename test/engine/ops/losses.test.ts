import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import {
  crossEntropySum,
  l1,
  sigmoidCrossEntropy,
  smoothL1,
  softTargetCrossEntropy,
} from '../../../engine/ops/losses.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import type { OpCase } from '../op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forward,
  forwardAndGradients,
  integers,
  opCase,
  values,
} from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type Soft = { logits: tf.Tensor2D; targets: tf.Tensor2D };
type Hard = { logits: tf.Tensor2D; labels: tf.Tensor1D };
type Pair = { a: tf.Tensor; b: tf.Tensor };

const soft = (name: string, inputs: OpCase<Soft>['inputs']): OpCase =>
  opCase<Soft>({ name, inputs, op: (i) => softTargetCrossEntropy(i.logits, i.targets) });
const hard = (name: string, inputs: OpCase<Hard>['inputs']): OpCase =>
  opCase<Hard>({ name, inputs, op: (i) => crossEntropySum(i.logits, i.labels) });
const weighted = (
  name: string,
  inputs: OpCase<Hard & { weights: tf.Tensor1D }>['inputs'],
): OpCase =>
  opCase<Hard & { weights: tf.Tensor1D }>({
    name,
    inputs,
    op: (i) => crossEntropySum(i.logits, i.labels, i.weights),
  });
const pair = (
  name: string,
  inputs: OpCase<Pair>['inputs'],
  op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  reach = 1 / 32,
): OpCase => opCase<Pair>({ name, inputs, reach, op: ({ a, b }) => op(a, b) });

/** Odds 1 : 3 and 1 : 1. */
const LOGITS = floats([2, 2], [0, Math.log(3), 5, 5]);

describe.each(WAYS)('cross-entropies by hand, %s', (way) => {
  test('soft targets: the mean over the rows of −Σ t log p', async () => {
    const c = soft('soft', { logits: LOGITS, targets: floats([2, 2], [0.25, 0.75, 1, 0]) });
    const first = -0.25 * Math.log(0.25) - 0.75 * Math.log(0.75);
    expectSame('loss', await forward(way, c), floats([], [(first + Math.log(2)) / 2]));
  });

  test('labels: the sum over the rows, not the mean', async () => {
    const c = hard('hard', { logits: LOGITS, labels: integers([2], [1, 0]) });
    expectSame('loss', await forward(way, c), floats([], [Math.log(4 / 3) + Math.log(2)]));
  });

  test.each([255, -1, 2, -2])('label %i is ignored: no loss and no gradient', async (ignored) => {
    const c = hard('ignored', { logits: LOGITS, labels: integers([2], [ignored, 0]) });
    const { output, gradients } = await forwardAndGradients(way, c);
    expectSame('loss', output, floats([], [Math.log(2)]));
    expect([...gradients['logits'].data.slice(0, 2)].map(Math.abs)).toEqual([0, 0]);
    expect(Math.abs(gradients['logits'].data[2])).toBeGreaterThan(0.1);
  });

  test('all labels ignored: loss and gradient are zero, not NaN', async () => {
    const c = hard('all ignored', { logits: LOGITS, labels: integers([2], [255, 255]) });
    const { output, gradients } = await forwardAndGradients(way, c);
    expect(Math.abs(output.data[0])).toBe(0);
    expect([...gradients['logits'].data].map(Math.abs)).toEqual([0, 0, 0, 0]);
  });

  test('weights scale the rows', async () => {
    const c = weighted('weights', {
      logits: LOGITS,
      labels: integers([2], [0, 1]),
      weights: floats([2], [0.5, 3]),
    });
    expectSame('loss', await forward(way, c), floats([], [0.5 * Math.log(4) + 3 * Math.log(2)]));
  });

  test('huge logits give no NaN', async () => {
    const c = hard('huge', {
      logits: floats([2, 2], [1000, 0, -1000, 1000]),
      labels: integers([2], [1, 1]),
    });
    expectSame('loss', await forward(way, c), floats([], [1000]));
  });
});

describe.each(WAYS)('elementwise losses by hand, %s', (way) => {
  const expectLoss = async (
    op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
    a: number[],
    b: number[],
    expected: number[],
  ): Promise<void> => {
    const shape = [a.length];
    const c = pair('values computed by hand', { a: floats(shape, a), b: floats(shape, b) }, op);
    expectSame('loss', await forward(way, c), floats(shape, expected));
  };

  test('binary cross-entropy of logits is stable for large logits', () =>
    expectLoss(
      sigmoidCrossEntropy,
      [0, Math.log(3), Math.log(3), 100, -100, 0],
      [1, 1, 0.5, 0, 0, 0.25],
      [Math.log(2), Math.log(4 / 3), 0.5 * (Math.log(4 / 3) + Math.log(4)), 100, 0, Math.log(2)],
    ));

  test('l1 is the distance', () => expectLoss(l1, [1, -2, 3], [3, 1, 3], [2, 3, 0]));

  test('smooth L1 is quadratic up to beta and linear above', () =>
    expectLoss(
      (a, b) => smoothL1(a, b, 0.5),
      [0, 0.25, -0.5, 2, 3],
      [0, 0, 0, 0, 5],
      [0, 0.0625, 0.25, 1.75, 1.75],
    ));

  test('the gradient of l1 and smooth L1 at distance zero is zero', async () => {
    for (const op of [l1, (a: tf.Tensor, b: tf.Tensor): tf.Tensor => smoothL1(a, b, 1)]) {
      const inputs = { a: floats([2], [3, 0]), b: floats([2], [3, 0]) };
      const { gradients } = await forwardAndGradients(way, pair('zero', inputs, op));
      expect([...gradients['a'].data, ...gradients['b'].data].map(Math.abs)).toEqual([0, 0, 0, 0]);
    }
  });
});

test.each(WAYS)('the gradient of binary cross-entropy at logit 0 is ½ − t: %s', async (way) => {
  const inputs = { a: floats([3], [0, 0, 0]), b: floats([3], [0, 1, 0.25]) };
  const { gradients } = await forwardAndGradients(way, {
    ...pair('zero', inputs, sigmoidCrossEntropy),
    op: ({ a, b }) => tf.tidy(() => sigmoidCrossEntropy(a, b).sum()),
  });
  const cotangent = gradients['a'].data[0] / 0.5;
  expect(cotangent).toBeGreaterThan(0.4);
  expect(gradients['a'].data[1]).toBeCloseTo(-0.5 * cotangent, 5);
  expect(gradients['a'].data[2]).toBeCloseTo(0.25 * cotangent, 5);
});

describe('shapes that differ are rejected', () => {
  const [two, three] = [floats([2, 2], [1, 2, 3, 4]), floats([3], [1, 2, 3])];
  test.each<[string, OpCase]>([
    ['softTargetCrossEntropy', soft('', { logits: two, targets: floats([1, 2], [1, 0]) })],
    ['crossEntropySum', hard('', { logits: two, labels: integers([3], [0, 1, 1]) })],
    ['sigmoidCrossEntropy', pair('', { a: two, b: three }, sigmoidCrossEntropy)],
    ['l1', pair('', { a: two, b: three }, l1)],
    ['smoothL1', pair('', { a: two, b: three }, (a, b) => smoothL1(a, b, 1))],
    [
      'crossEntropySum',
      weighted('', { logits: two, labels: integers([2], [0, 1]), weights: three }),
    ],
  ])('%s', async (name, c) => {
    const refused = expect(forward('eager cpu', c)).rejects;
    await refused.toThrow(ShapeError);
    await expect(forward('eager cpu', c)).rejects.toThrow(`${name}: expected`);
  });
});

/** Values that keep `low` to `high` away from those of `b`, above and below in turn. */
function apart(b: HostTensor, low: number, high: number): HostTensor {
  const gap = values(8, b.shape, [low, high]);
  const data = b.data as Float32Array;
  return { shape: b.shape, data: data.map((x, i) => x + (i % 2 ? gap.data[i] : -gap.data[i])) };
}

const b = values(2, [2, 3, 4]);

describeOp([
  soft('soft target cross-entropy', {
    logits: values(1, [4, 6], [-3, 3]),
    targets: values(2, [4, 6], [0.05, 0.3]),
  }),
  soft('soft target cross-entropy of one row', {
    logits: values(1, [1, 3]),
    targets: floats([1, 3], [0.2, 0.3, 0.5]),
  }),
  hard('cross-entropy', {
    logits: values(1, [5, 4], [-2, 2]),
    labels: integers([5], [0, 3, 255, 1, 2]),
  }),
  weighted('weighted cross-entropy', {
    logits: values(1, [4, 3], [-2, 2]),
    labels: integers([4], [0, 2, 255, 1]),
    weights: values(3, [4], [0.5, 2]),
  }),
  // The differences keep off the kinks (0, and beta for smooth L1) by more than the reach.
  pair(
    'sigmoid cross-entropy',
    { a: apart(values(0, [2, 3, 4], [0, 0.001]), 0.2, 3), b: values(2, [2, 3, 4], [0, 1]) },
    sigmoidCrossEntropy,
  ),
  pair('l1', { a: apart(b, 0.1, 2), b }, l1),
  pair('smooth L1, quadratic', { a: apart(b, 0.1, 0.9), b }, (a, t) => smoothL1(a, t, 1)),
  pair('smooth L1, linear', { a: apart(b, 0.2, 2), b }, (a, t) => smoothL1(a, t, 1 / 9)),
]);
