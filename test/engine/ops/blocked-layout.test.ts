import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureGraph } from '../../../engine/capture/capture.js';
import { channelAffine, channelDot } from '../../../engine/ops/channels.js';
import { depthwiseConv } from '../../../engine/ops/conv.js';
import { dropPath } from '../../../engine/ops/drop-path.js';
import { geluGrnLinear } from '../../../engine/ops/gelu-grn-linear.js';
import { gelu } from '../../../engine/ops/gelu.js';
import { layerNorm, standardize } from '../../../engine/ops/layer-norm.js';
import { linear } from '../../../engine/ops/linear.js';
import { inBlocks } from '../../../engine/ops/lowering.js';
import { pointwise, pointwiseWeightGradient } from '../../../engine/ops/pointwise.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import { expectGradient } from '../../helpers/tolerance.js';
import type { OpCase } from '../op-case.js';
import { expectSame, forward, forwardAndGradients, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

const EPS = 1e-6;

/** Channels that are and are not a multiple of the block, odd and even numbers of positions, one and several images. */
const SIZES = [40, 96].flatMap((channels) =>
  [7, 14, 28].flatMap((side) => [1, 3, 8].map((batch) => ({ channels, side, batch }))),
);

describe.each(SIZES)('$channels channels, $side² positions, $batch images', (size) => {
  const { channels, side, batch } = size;
  const map = [batch, side, side, channels];
  const out = 136 - channels;

  /** All of an op's results in one vector, each divided by its size so that none hides the others' errors. */
  const all = (results: readonly tf.Tensor[]): tf.Tensor =>
    tf.concat(results.map((result) => result.div(result.abs().max()).reshape([-1])));

  test('maps, dot products, scales and weight gradients equal the eager ones', async () => {
    type Inputs = Readonly<
      Record<'x' | 'z' | 'dy' | 's', tf.Tensor4D> & { w: tf.Tensor2D; b: tf.Tensor1D }
    >;
    const c: OpCase = opCase<Inputs>({
      name: 'blocked',
      inputs: {
        x: values(1, map),
        z: values(2, map),
        dy: values(3, [batch, side, side, out]),
        s: values(4, [batch, 1, 1, channels], [0.5, 2]),
        w: values(5, [channels, out]),
        b: values(6, [out]),
      },
      op: ({ x: given, z, dy, s, w, b }) => {
        const x = inBlocks(given);
        return all([
          pointwise(x, w, { bias: b }),
          pointwise(x, w, { bias: b }).add(dy),
          pointwise(x, w, { bias: b, scale: s }),
          pointwise(inBlocks(dy), w, { transposed: true }),
          pointwise(inBlocks(dy), w, { transposed: true, scale: s }).add(z),
          channelDot(x, z),
          channelAffine(x, s),
          channelAffine(x, s, { add: z }),
          standardize(x, EPS),
          layerNorm(
            x,
            {
              weight: s.slice([0, 0, 0, 0], [1, 1, 1, channels]).reshape([channels]),
              bias: z.slice([0, 0, 0, 0], [1, 1, 1, channels]).reshape([channels]),
            },
            EPS,
          ),
          pointwiseWeightGradient(x, dy),
        ]);
      },
    });
    expectSame('results', await forward('compiled', c), await forward('eager cpu', c));
  });
});

/** The half of a block that a map passes through, with all that its gradient needs. */
const half = ([batch, side, channels]: readonly [number, number, number], out: number): OpCase => {
  type Inputs = Readonly<
    Record<'gamma' | 'beta' | 'bias' | 'norm' | 'shift' | 'b' | 'mask', tf.Tensor1D> &
      Record<'weight' | 'w', tf.Tensor2D> &
      Record<'x' | 'kernel', tf.Tensor4D>
  >;
  return opCase<Inputs>({
    name: 'half a block',
    inputs: {
      x: values(1, [batch, side, side, channels], [-2, 2]),
      kernel: values(2, [3, 3, channels, 1]),
      b: values(3, [channels]),
      norm: values(4, [channels], [0.5, 1.5]),
      shift: values(5, [channels]),
      w: values(6, [channels, out]),
      bias: values(7, [out]),
      gamma: values(8, [out]),
      beta: values(9, [out]),
      weight: values(10, [out, channels]),
      mask: values(11, [batch], [0, 2]),
    },
    op: ({ x, kernel, b, norm, shift, w, bias, gamma, beta, weight, mask }) =>
      tf.tidy(() => {
        const mixed = depthwiseConv(x, { weight: kernel, bias: b });
        const normalized = layerNorm(mixed, { weight: norm, bias: shift }, EPS);
        const hidden = linear(normalized, { weight: w, bias });
        const y = geluGrnLinear(hidden, { gamma, beta, weight, bias: b }, EPS);
        return x.add(dropPath(y, mask));
      }),
  });
};

describe('gradients through the blocked layout equal the eager ones', () => {
  test.each([
    { size: [1, 14, 20], out: 48, what: 'positions of half a block, unscaled weights' },
    { size: [3, 12, 12], out: 20, what: 'a weight per image' },
    { size: [2, 28, 40], out: 24, what: 'padded channels, a weight per image' },
    { size: [8, 7, 36], out: 52, what: 'few positions, padded pixels' },
    { size: [4, 5, 16], out: 128, what: 'a weight larger than the activations' },
  ] as const)('$what', async ({ size, out }) => {
    const c = half(size, out);
    const [actual, expected] = [
      await forwardAndGradients('compiled', c),
      await forwardAndGradients('eager cpu', c),
    ];
    expectSame('output', actual.output, expected.output);
    for (const [name, { data }] of Object.entries(expected.gradients))
      expectGradient(name, actual.gradients[name].data, data, 2e-5);
  });
});

describe('captured graphs', () => {
  const capture = (
    body: (x: tf.Tensor4D, w: tf.Tensor2D) => tf.Tensor,
    frozen?: ReadonlyMap<string, Float32Array>,
  ): OnnxGraph =>
    captureGraph({
      name: 'test',
      lowering: { kind: 'cpu', blockSize: 16 },
      inputs: {
        x: { shape: [2, 8, 8, 20], type: 'float32' },
        w: { shape: [20, 20], type: 'float32' },
      },
      body: ({ x, w }) => ({ y: body(x as tf.Tensor4D, w as tf.Tensor2D) }),
      ...(frozen ? { frozen } : {}),
    });
  const count = (graph: OnnxGraph, op: string): number =>
    graph.nodes.filter((node) => node.op === op).length;
  const bias = (): tf.Tensor1D => tf.ones([20]);

  test('maps that follow each other stay in the blocked layout', () => {
    const graph = capture((x, w) =>
      linear(gelu(linear(x, { weight: w, bias: bias() })), { weight: w, bias: bias() }),
    );
    expect(count(graph, 'ReorderOutput')).toBe(1);
    expect(count(graph, 'ReorderInput')).toBe(2); // of x and of the weight
    expect(count(graph, 'Gemm') + count(graph, 'MatMul')).toBe(0);
  });

  test('a residual is added by the convolution, unless its result is needed alone', () => {
    const branch = (x: tf.Tensor4D, w: tf.Tensor2D): tf.Tensor4D =>
      linear(x, { weight: w, bias: bias() });
    expect(
      count(
        capture((x, w) => x.add(branch(x, w))),
        'Add',
      ),
    ).toBe(0);
    const both = capture((x, w) => {
      const y = branch(x, w);
      return tf.stack([x.add(y), gelu(y)]);
    });
    expect(count(both, 'Add')).toBe(1);
    expect(count(both, 'Conv')).toBe(1);
  });

  test('a layer norm of a map in blocks stays in them', () => {
    const norms = (body: (x: tf.Tensor4D) => tf.Tensor): number =>
      count(capture(body), 'LayerNormalization');
    const affine = { weight: bias(), bias: bias() };
    expect(norms((x) => standardize(x, EPS))).toBe(1);
    expect(norms((x) => layerNorm(x, affine, EPS))).toBe(1);
    expect(norms((x) => standardize(inBlocks(x), EPS))).toBe(0);
    expect(norms((x) => layerNorm(inBlocks(x), affine, EPS))).toBe(0);
  });

  test('the blocked layout of a constant weight is computed while the graph is built', () => {
    const frozen = new Map([['w', values(1, [20, 20]).data as Float32Array]]);
    const graph = capture((x, w) => linear(x, { weight: w, bias: bias() }), frozen);
    expect(count(graph, 'ReorderInput')).toBe(1);
    expect(graph.initializers.find(({ name }) => name === 'w')).toBeUndefined();
  });
});
