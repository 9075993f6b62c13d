import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureGraph } from '../../../engine/capture/capture.js';
import { channelAffine, channelDot } from '../../../engine/ops/channels.js';
import { depthwiseConv } from '../../../engine/ops/conv.js';
import { layerNorm, standardized, standardizeGradient } from '../../../engine/ops/layer-norm.js';
import { inBlocks } from '../../../engine/ops/lowering.js';
import {
  pointwise,
  pointwiseProducts,
  pointwiseWeightGradient,
} from '../../../engine/ops/pointwise.js';
import { expectActivation } from '../../helpers/tolerance.js';
import { values } from '../op-case.js';
import { interpret } from './blocked-interpreter.js';

beforeAll(() => tf.setBackend('cpu'));

type Results = Readonly<Record<string, tf.Tensor>>;

/** All uses of the blocked kernels. */
function results({ x, z, dy, s, w, b, kernel, shift, factor, inverse }: Results): Results {
  const map = inBlocks(x as tf.Tensor4D);
  const gradient = inBlocks(dy as tf.Tensor4D);
  const scale = s as tf.Tensor4D;
  const [weight, bias] = [w as tf.Tensor2D, b as tf.Tensor1D];
  return {
    map: pointwise(map, weight, { bias }),
    residual: dy.add(pointwise(map, weight, { bias })),
    scaled: pointwise(map, weight, { bias, scale }),
    transposed: pointwise(gradient, weight, { transposed: true }),
    scaledTransposed: pointwise(gradient, weight, { transposed: true, scale }),
    weightGradient: pointwiseWeightGradient(map, gradient),
    products: pointwiseProducts(map, gradient),
    dot: channelDot(map, z as tf.Tensor4D),
    energy: channelDot(map, map, [0, 1, 2]),
    affine: channelAffine(map, scale, { add: z as tf.Tensor4D }),
    sum: map.sum([1, 2]),
    standard: standardized(map, 1e-6)[0],
    factors: standardized(map, 1e-6)[1],
    standardGradient: standardizeGradient(inBlocks(z as tf.Tensor4D), map, inverse),
    norm: layerNorm(map, { weight: factor as tf.Tensor1D, bias: shift as tf.Tensor1D }, 1e-6),
    depthwise: depthwiseConv(map, {
      weight: kernel as tf.Tensor4D,
      bias: shift as tf.Tensor1D,
    }),
  };
}

describe.each([8, 16])('blocks of %i channels', (block) => {
  test.each([
    { map: [2, 4, 4, 20], out: 36 },
    { map: [1, 8, 4, 40], out: 12 },
    { map: [3, 4, 8, 16], out: 16 },
  ] as const)('of $map to $out channels', ({ map, out }) => {
    const [n, h, w, c] = map;
    const inputs = {
      x: values(1, map),
      z: values(2, map),
      dy: values(3, [n, h, w, out]),
      s: values(4, [n, 1, 1, c]),
      w: values(5, [c, out]),
      b: values(6, [out]),
      kernel: values(7, [3, 3, c, 1]),
      shift: values(8, [c]),
      factor: values(9, [c], [0.5, 2]),
      inverse: values(10, [n, h, w, 1], [0.5, 2]),
    };
    const graph = captureGraph({
      name: 'test',
      lowering: { kind: 'cpu', blockSize: block },
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, { shape }]) => [name, { shape, type: 'float32' }]),
      ),
      body: results,
    });
    const actual = interpret(graph, inputs, block);
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        Object.entries(inputs).map(([name, { shape, data }]) => [
          name,
          tf.tensor(data, [...shape]),
        ]),
      );
      for (const [name, expected] of Object.entries(results(tensors))) {
        expect(actual[name].shape, name).toEqual(expected.shape);
        expectActivation(name, actual[name].data, expected.dataSync(), 1e-5);
      }
    });
  });
});
