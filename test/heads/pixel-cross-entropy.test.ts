import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { crossEntropySum } from '../../engine/ops/losses.js';
import { resizeBilinear } from '../../engine/ops/resize.js';
import { pixelCrossEntropy } from '../../heads/pixel-cross-entropy.js';
import type { OpCase } from '../engine/op-case.js';
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
} from '../engine/op-case.js';

type Inputs = { logits: tf.Tensor4D; labels: tf.Tensor3D };
/** 0 … 4 are classes; −1, 5 and 255 are not. */
const LABELS = Array.from({ length: 2 * 11 * 9 }, (_, i) => [0, 1, 2, 3, 4, -1, 5, 255][i % 8]);
const INPUTS: OpCase<Inputs>['inputs'] = {
  logits: values(1, [2, 3, 2, 5], [-3, 3]),
  labels: integers([2, 11, 9], LABELS),
};
const inBands = (pixels: number): OpCase =>
  opCase<Inputs>({
    name: `pixelCrossEntropy, ${pixels} pixels at once`,
    inputs: INPUTS,
    op: ({ logits, labels }) => pixelCrossEntropy(logits, labels, pixels),
  });
const plain = opCase<Inputs>({
  name: 'enlarge, then cross-entropy',
  inputs: INPUTS,
  op: ({ logits, labels }) =>
    crossEntropySum(
      resizeBilinear(logits, [11, 9]).reshape([-1, 5]) as tf.Tensor2D,
      labels.reshape([-1]),
    ).div(labels.size),
});

describeOp([inBands(54)]);

// One row at a time, four that do not divide the height, all.
test.each([1, 72, 10_000])(
  'equals the cross-entropy of upsampled logits for bands of %i pixels',
  async (pixels) => {
    const expected = await forwardAndGradients('eager cpu', plain);
    for (const way of WAYS) {
      const actual = await forwardAndGradients(way, inBands(pixels));
      expectSame('loss', actual.output, expected.output);
      expectSame('gradient', actual.gradients['logits'], expected.gradients['logits']);
    }
  },
);

const single = (logits: readonly number[], label: number): OpCase =>
  opCase<Inputs>({
    name: 'one pixel',
    inputs: {
      logits: floats([1, 1, 1, logits.length], logits),
      labels: integers([1, 1, 1], [label]),
    },
    op: ({ logits: z, labels }) => pixelCrossEntropy(z, labels),
  });

test('by hand: −log of the probability, and probability minus target', async () => {
  const { output, gradients } = await forwardAndGradients('compiled', single([0, Math.log(3)], 0));
  expect(output.data[0]).toBeCloseTo(Math.log(4), 6);
  // The test's loss weighs the output; the ratio is free of that.
  const [a, b] = gradients['logits'].data;
  expect(b / a).toBeCloseTo(-1, 6);
  expect(a).toBeLessThan(0);
});

test('probabilities that are 0 in float32 cost what they should', async () => {
  const { data } = await forward('compiled', single([300, 0, -300], 2));
  expect(data[0]).toBeCloseTo(600, 3);
});

test('without labeled pixels loss and gradient are 0', async () => {
  const { output, gradients } = await forwardAndGradients('compiled', single([1, 2], 255));
  expect([output.data[0], ...gradients['logits'].data].every((value) => value === 0)).toBe(true);
});

test('labels of another number of images are rejected', () => {
  tf.tidy(() => {
    const logits = tf.zeros<tf.Rank.R4>([2, 1, 1, 3]);
    const labels = tf.zeros<tf.Rank.R3>([1, 4, 4], 'int32');
    expect(() => pixelCrossEntropy(logits, labels)).toThrow(ShapeError);
  });
});
