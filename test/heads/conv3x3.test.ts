import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { captureGraph } from '../../engine/capture/capture.js';
import type { Lowering } from '../../engine/capture/graph-builder.js';
import { conv3x3 } from '../../heads/conv3x3.js';
import { describeOp, opCase, values } from '../engine/op-case.js';

describeOp([
  opCase<{ x: tf.Tensor4D; weight: tf.Tensor4D; bias: tf.Tensor1D }>({
    name: '3×3 of few channels, with bias',
    inputs: {
      x: values(1, [2, 8, 4, 3]),
      weight: values(2, [3, 3, 3, 2]),
      bias: values(3, [2]),
    },
    op: ({ x, weight, bias }) => conv3x3(x, { weight, bias }),
  }),
]);

describe('operations', () => {
  /** Operations of a graph, with or without the gradient of the image. */
  function operations(lowering: Lowering, channels: number, withGradient: boolean): Set<string> {
    const shape = [1, 8, 8, channels];
    const { nodes } = captureGraph({
      name: 'conv',
      lowering,
      inputs: {
        x: { shape, type: 'float32' },
        weight: { shape: [3, 3, channels, channels], type: 'float32' },
        dy: { shape, type: 'float32' },
      },
      body: ({ x, weight, dy }) => {
        const conv = (image: tf.Tensor): tf.Tensor =>
          conv3x3(image as tf.Tensor4D, { weight: weight as tf.Tensor4D });
        return { y: withGradient ? tf.valueAndGrad(conv)(x, dy).value : conv(x) };
      },
    });
    return new Set(nodes.map(({ op }) => op));
  }
  const blocks = { kind: 'cpu', blockSize: 16 } as const;

  test.each([
    ['portable graphs', { kind: 'portable' }, 256, true],
    ['small networks', blocks, 64, true],
  ] as const)('%s have a convolution', (_, lowering, channels, withGradient) => {
    const found = operations(lowering, channels, withGradient);
    expect([found.has('Conv'), found.has('MatMul')]).toEqual([true, false]);
  });

  test.each([false, true])('large networks have products, with gradients: %o', (withGradient) => {
    const found = operations(blocks, 72, withGradient);
    expect([found.has('Conv'), found.has('MatMul')]).toEqual([false, true]);
  });
});

test('other kernel sizes are rejected', () => {
  const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 2]);
  expect(() => conv3x3(x, { weight: tf.zeros([5, 5, 2, 2]) })).toThrow('conv3x3');
  expect(() => conv3x3(x, { weight: tf.zeros([3, 3, 3, 2]) })).toThrow('conv3x3');
});
