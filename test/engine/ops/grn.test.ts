import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { channelEnergy, grn } from '../../../engine/ops/grn.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import type { OpCase } from '../op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forward,
  forwardAndGradients,
  opCase,
  values,
} from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

const EPS = 1e-6;
type Grn = { x: tf.Tensor4D; gamma: tf.Tensor1D; beta: tf.Tensor1D };

const response = (
  name: string,
  x: HostTensor,
  gamma = values(2, [x.shape[3]]),
  beta = values(3, [x.shape[3]]),
): OpCase =>
  opCase<Grn>({
    name,
    inputs: { x, gamma, beta },
    op: (i) => grn(i.x, { gamma: i.gamma, beta: i.beta }, EPS),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('channel norms 5 and 0 are 2 and 0 relative to their mean', async () => {
    // Channel 0 is (3, 4), norm 5; channel 1 is zero. mean = 2.5, so N = (2, 0) up to epsilon.
    const c = response(
      'values computed by hand',
      floats([1, 1, 2, 2], [3, 0, 4, 0]),
      floats([2], [0.5, 7]),
      floats([2], [1, -1]),
    );
    // 0.5 · 3 · 2 + 1 + 3 = 7, 0.5 · 4 · 2 + 1 + 4 = 9; the zero channel gives beta.
    expectSame('y', await forward(way, c), floats([1, 1, 2, 2], [7, -1, 9, -1]));
  });

  test('zero parameters give the identity', async () => {
    const x = values(5, [2, 3, 3, 4]);
    const c = response('identity', x, floats([4], [0, 0, 0, 0]), floats([4], [0, 0, 0, 0]));
    expectSame('y', await forward(way, c), x);
  });

  test('a channel that is zero everywhere has the limit as its finite gradient', async () => {
    const x = values(6, [2, 2, 3, 4]);
    for (let i = 1; i < x.data.length; i += 4) x.data[i] = 0;
    const gamma = values(2, [4]);
    const { gradients } = await forwardAndGradients(way, response('zero channel', x, gamma));
    for (const { data } of Object.values(gradients))
      expect([...data].every(Number.isFinite)).toBe(true);
    // There d/dx (γ x N + x) = γ N + 1 = 1, because N = 0: the norm's sub-gradient is 0.
    const { gradients: plain } = await forwardAndGradients(
      way,
      response('no response', x, floats([4], [0, 0, 0, 0])),
    );
    for (let i = 1; i < x.data.length; i += 4)
      expect(gradients['x'].data[i]).toBeCloseTo(plain['x'].data[i], 5);
  });

  test('an image that is zero everywhere gives beta and no NaN', async () => {
    const x = floats([1, 2, 2, 3], Array<number>(12).fill(0));
    const { output, gradients } = await forwardAndGradients(way, response('zero image', x));
    const beta = values(3, [3]).data;
    expectSame(
      'y',
      output,
      floats(
        [1, 2, 2, 3],
        Array.from({ length: 12 }, (_, i) => beta[i % 3]),
      ),
    );
    for (const { data } of Object.values(gradients))
      expect([...data].every(Number.isFinite)).toBe(true);
  });
});

test('every image is normalized separately', async () => {
  const [a, b] = [values(7, [1, 3, 3, 5]), values(8, [1, 3, 3, 5], [-9, 9])];
  const both = floats([2, 3, 3, 5], [...a.data, ...b.data]);
  const together = await forward('eager cpu', response('both', both));
  const alone = await forward('eager cpu', response('alone', a));
  expect([...together.data.slice(0, 45)]).toEqual([...alone.data]);
});

test('the parameters must have the size of the last axis', () => {
  const gamma = tf.zeros<tf.Rank.R1>([3]);
  expect(() => grn(tf.zeros([1, 2, 2, 4]), { gamma, beta: gamma }, EPS)).toThrow(ShapeError);
});

describeOp([
  response('grn', values(1, [2, 3, 4, 12])),
  response('grn of one position', values(1, [1, 1, 1, 5], [0.5, 1.5])),
  response('grn of one channel', values(1, [2, 2, 3, 1])),
  opCase<{ x: tf.Tensor4D }>({
    name: 'channel energy',
    inputs: { x: values(9, [2, 3, 4, 6]) },
    op: ({ x }) => channelEnergy(x),
  }),
]);
