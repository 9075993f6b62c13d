import { expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { gelu } from '../../../engine/ops/gelu.js';
import { describeOp, floats, forward, values } from '../op-case.js';

test('gelu is x · Φ(x), compared with a table of the normal distribution', async () => {
  // Φ(0) = 0.5, Φ(±1) = 0.841345 / 0.158655, Φ(±2) = 0.977250 / 0.022750
  const x = floats([5], [-2, -1, 0, 1, 2]);
  const { data } = await forward('eager cpu', {
    name: 'gelu',
    inputs: { x },
    op: (i) => gelu(i.x),
  });
  const expected = [-0.0455003, -0.1586553, 0, 0.8413447, 1.9544997];
  expected.forEach((value, i) => expect(data[i]).toBeCloseTo(value, 6));
});

test('gelu is exact, not the tanh approximation (they differ by 4.7e-4 at 2.8)', async () => {
  const x = floats([1], [2.8]);
  const { data } = await forward('compiled', { name: 'gelu', inputs: { x }, op: (i) => gelu(i.x) });
  expect(data[0]).toBeCloseTo(2.8 * 0.9974449, 5); // the approximation gives 2.7933
});

test('the derivative of gelu is a half at 0, and 0 or 1 far from it', async () => {
  await tf.setBackend('cpu');
  const slopes = tf.tidy(() =>
    tf
      .grad((x) => gelu(x))(tf.tensor1d([0, -30, 30]))
      .dataSync(),
  );
  expect([...slopes]).toEqual([0.5, 0, 1]);
});

describeOp([
  {
    name: 'gelu of a feature map',
    inputs: { x: values(1, [2, 3, 4, 5], [-3, 3]) },
    op: (i) => gelu(i.x),
  },
  { name: 'gelu of a vector', inputs: { x: values(2, [7], [-3, 3]) }, op: (i) => gelu(i.x) },
  { name: 'gelu of a scalar', inputs: { x: floats([], [0.3]) }, op: (i) => gelu(i.x) },
]);
