import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignedGiou } from '../../core/giou.js';
import { decodeBoxes, encodeBoxes } from '../../../core/box-coder.js';
import { boxLoss, decodeDeltas, giou } from '../../../heads/box/box-losses.js';
import { maxError } from '../../helpers/fixtures.js';
import {
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../../engine/op-case.js';

const CODER = { means: [0, 0, 0, 0], stds: [0.1, 0.1, 0.2, 0.2] } as const;
type Pair = { a: tf.Tensor2D; b: tf.Tensor2D };
type Loss = { deltas: tf.Tensor2D; targets: tf.Tensor2D; references: tf.Tensor2D };

const rows = (...boxes: readonly (readonly number[])[]): ReturnType<typeof floats> =>
  floats([boxes.length, 4], boxes.flat());
const references = rows([10, 10, 30, 50], [0, 5, 8, 9], [40, 2, 41, 30]);
const nearby = rows([12, 8, 33, 47], [1, 4, 9, 12], [37, 5, 44, 25]);

const overlap = opCase<Pair>({
  name: 'giou',
  inputs: { a: references, b: nearby },
  op: ({ a, b }) => giou(a, b),
  reach: 1 / 4,
});
const decode = opCase<Pair>({
  name: 'decode',
  inputs: { a: values(3, [3, 4]), b: references },
  differentiable: ['a'],
  op: ({ a, b }) => decodeDeltas(a, { references: b, coder: CODER }),
});
const loss = (kind: 'l1' | 'smoothL1' | 'giou') =>
  opCase<Loss>({
    name: `${kind} of deltas`,
    inputs: {
      deltas: values(4, [3, 4], [0.3, 0.9]),
      targets: kind === 'giou' ? nearby : values(5, [3, 4], [-0.9, -0.1]),
      references,
    },
    differentiable: ['deltas'],
    op: ({ deltas, targets, references: from }) =>
      boxLoss(
        deltas,
        targets,
        kind === 'smoothL1' ? { kind, beta: 0.5, weight: 2 } : { kind, weight: 2 },
        { references: from, coder: CODER },
      ),
  });

describeOp([overlap, decode, loss('l1'), loss('smoothL1'), loss('giou')]);

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('one width apart: IoU 0, a third of the hull empty', async () => {
    const c = { ...overlap, inputs: { a: rows([0, 0, 2, 1]), b: rows([4, 0, 6, 1]) } };
    // Union 4 of a hull of 6: 0 − (6 − 4) / 6.
    expectSame('giou', await forward(way, c), floats([1], [-1 / 3]));
  });

  test('boxes without area give 0, not NaN', async () => {
    const c = { ...overlap, inputs: { a: rows([0, 0, 0, 0]), b: rows([0, 0, 0, 0]) } };
    expectSame('giou', await forward(way, c), floats([1], [0]));
  });

  test('L1 is the weighted sum over the four deltas', async () => {
    const c = {
      ...loss('l1'),
      inputs: {
        deltas: rows([1, 2, 3, 4]),
        targets: rows([0, 4, 3, -1]),
        references: rows([0, 0, 1, 1]),
      },
    };
    expectSame('loss', await forward(way, c), floats([1], [2 * (1 + 2 + 0 + 5)]));
  });
});

const box = fc
  .tuple(
    fc.float({ min: 0, max: 100, noNaN: true }),
    fc.float({ min: 0, max: 100, noNaN: true }),
    fc.float({ min: 1, max: 50, noNaN: true }),
    fc.float({ min: 1, max: 50, noNaN: true }),
  )
  .map(([x, y, w, h]) => [x, y, x + w, y + h]);

test('agrees with the box geometry of core', async () => {
  await tf.setBackend('cpu');
  fc.assert(
    fc.property(fc.array(fc.tuple(box, box), { minLength: 1, maxLength: 5 }), (pairs) => {
      const a = Float32Array.from(pairs.flatMap(([x]) => x));
      const b = Float32Array.from(pairs.flatMap(([, x]) => x));
      const shape: [number, number] = [pairs.length, 4];
      const overlaps = tf.tidy(() => giou(tf.tensor2d(a, shape), tf.tensor2d(b, shape)).dataSync());
      expect(maxError(overlaps, alignedGiou(a, b))).toBeLessThan(1e-5);
      const deltas = encodeBoxes(a, b, CODER);
      const decoded = tf.tidy(() =>
        decodeDeltas(tf.tensor2d(deltas, shape), {
          references: tf.tensor2d(a, shape),
          coder: CODER,
        }).dataSync(),
      );
      expect(maxError(decoded, decodeBoxes(a, deltas, CODER))).toBeLessThan(1e-3);
    }),
  );
});

test('sizes change by at most the factor that core allows', async () => {
  await tf.setBackend('cpu');
  const from = Float32Array.of(0, 0, 10, 10);
  const deltas = Float32Array.of(0, 0, 1000, -1000);
  const decoded = tf.tidy(() =>
    decodeDeltas(tf.tensor2d(deltas, [1, 4]), {
      references: tf.tensor2d(from, [1, 4]),
      coder: CODER,
    }).dataSync(),
  );
  expect(maxError(decoded, decodeBoxes(from, deltas, CODER))).toBeLessThan(1e-3);
  expect(decoded[2] - decoded[0]).toBeCloseTo(625, 2);
});
