import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import type { PositionAxes } from '../../../engine/ops/channels.js';
import { geluGrnLinear } from '../../../engine/ops/gelu-grn-linear.js';
import { gelu } from '../../../engine/ops/gelu.js';
import { grn, grnScale, grnScaleGradient } from '../../../engine/ops/grn.js';
import { linear } from '../../../engine/ops/linear.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import { expectGradient } from '../../helpers/tolerance.js';
import type { OpCase } from '../op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forwardAndGradients,
  opCase,
  values,
} from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

const EPS = 1e-6;
type Inputs = {
  x: tf.Tensor4D;
  gamma: tf.Tensor1D;
  beta: tf.Tensor1D;
  weight: tf.Tensor2D;
  bias: tf.Tensor1D;
};

function inputsOf(x: HostTensor, out: number): OpCase<Inputs>['inputs'] {
  const channels = x.shape[3];
  return {
    x,
    gamma: values(2, [channels]),
    beta: values(5, [channels]),
    weight: values(3, [channels, out]),
    bias: values(4, [out]),
  };
}

const fused = (name: string, x: HostTensor, out = 5, axes?: PositionAxes): OpCase =>
  opCase<Inputs>({
    name,
    inputs: inputsOf(x, out),
    op: ({ x: h, ...params }) => geluGrnLinear(h, params, EPS, axes),
  });

/** The same written as three ops, differentiated by tfjs. */
const composed = (x: HostTensor, out = 5): OpCase =>
  opCase<Inputs>({
    name: 'composed',
    inputs: inputsOf(x, out),
    op: ({ x: h, gamma, beta, weight, bias }) =>
      tf.tidy(() => linear(grn(gelu(h), { gamma, beta }, EPS), { weight, bias })),
  });

describe.each(WAYS)('%s', (way) => {
  // 12 positions: with 5 outputs the weights are scaled, with 7 the activations.
  test.each([5, 7])('equals linear(grn(gelu(x))), gradients included: %i outputs', async (out) => {
    const x = values(1, [2, 3, 4, 12], [-2, 2]);
    const actual = await forwardAndGradients(way, fused('fused', x, out));
    const expected = await forwardAndGradients('eager cpu', composed(x, out));
    expectSame('y', actual.output, expected.output);
    for (const [name, { data }] of Object.entries(expected.gradients))
      expectGradient(name, actual.gradients[name].data, data, 2e-5);
  });

  test('channels that are zero everywhere have the finite gradients of the composed op', async () => {
    const x = values(1, [2, 2, 3, 4], [-2, 2]);
    for (let i = 2; i < x.data.length; i += 4) x.data[i] = 0;
    const actual = await forwardAndGradients(way, fused('fused', x));
    const expected = await forwardAndGradients('eager cpu', composed(x));
    for (const [name, { data }] of Object.entries(expected.gradients)) {
      expect([...actual.gradients[name].data].every(Number.isFinite), name).toBe(true);
      expectGradient(name, actual.gradients[name].data, data, 2e-5);
    }
  });

  test('an image that is zero everywhere gives the bias and no NaN', async () => {
    const x = floats([1, 2, 2, 3], Array<number>(12).fill(0));
    const zero = fused('zero', x, 2);
    const c = { ...zero, inputs: { ...zero.inputs, beta: floats([3], [0, 0, 0]) } };
    const { output, gradients } = await forwardAndGradients(way, c);
    const bias = [...zero.inputs['bias'].data];
    expectSame('y', output, floats([1, 2, 2, 2], [...bias, ...bias, ...bias, ...bias]));
    for (const { data } of Object.values(gradients))
      expect([...data].every(Number.isFinite)).toBe(true);
  });
});

test('energies over the batch equal those of one image with all positions', async () => {
  const x = values(1, [3, 2, 2, 4], [-2, 2]);
  const batch = await forwardAndGradients('eager cpu', fused('batch', x, 5, [0, 1, 2]));
  const tall = { ...x, shape: [1, 6, 2, 4] };
  const image = await forwardAndGradients('eager cpu', fused('image', tall));
  expectSame('y', { ...batch.output, shape: [1, 6, 2, 5] }, image.output);
  for (const [name, { data }] of Object.entries(image.gradients))
    expectGradient(name, batch.gradients[name].data, data, 1e-5);
});

test('large images, whose activations are recomputed in the backward pass, have the same gradients', async () => {
  const x = values(1, [1, 128, 129, 128], [-2, 2]);
  const compiled = await forwardAndGradients('compiled', fused('large', x, 2));
  const standard = await forwardAndGradients('compiled portable', fused('large', x, 2));
  expectSame('y', compiled.output, standard.output);
  for (const [name, { data }] of Object.entries(standard.gradients))
    expectGradient(name, compiled.gradients[name].data, data, 2e-5);
});

test('grnScaleGradient is the derivative of grnScale', () => {
  tf.tidy(() => {
    const energy = tf.tensor4d(values(1, [2, 1, 1, 5], [0.2, 3]).data, [2, 1, 1, 5]);
    const gamma = tf.tensor1d(values(2, [5]).data);
    const dy = tf.tensor4d(values(3, [2, 1, 1, 5]).data, [2, 1, 1, 5]);
    const [dEnergy, dGamma] = tf.grads((e: tf.Tensor, g: tf.Tensor) =>
      grnScale(e as tf.Tensor4D, g as tf.Tensor1D, EPS),
    )([energy, gamma], dy);
    const actual = grnScaleGradient(dy, energy, gamma, EPS);
    expectGradient('energy', actual.dEnergy.dataSync(), dEnergy.dataSync(), 1e-5);
    expectGradient('gamma', actual.dGamma.dataSync(), dGamma.dataSync(), 1e-5);
  });
});

test('shapes that do not fit are rejected', () => {
  const weight = tf.zeros<tf.Rank.R2>([4, 2]);
  const [gamma, bias] = [tf.zeros<tf.Rank.R1>([4]), tf.zeros<tf.Rank.R1>([2])];
  const beta = gamma;
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 4]);
  const run = (params: Parameters<typeof geluGrnLinear>[1], input = x): tf.Tensor =>
    geluGrnLinear(input, params, EPS);
  expect(() => run({ gamma, beta, weight, bias }, tf.zeros([1, 2, 2, 3]))).toThrow(ShapeError);
  expect(() => run({ gamma: bias, beta, weight, bias })).toThrow(ShapeError);
});

describeOp([
  fused('gelu, grn, linear', values(1, [2, 3, 4, 12], [-2, 2])),
  fused('gelu, grn, linear at many positions', values(1, [2, 3, 4, 6], [-2, 2]), 2),
  fused('gelu, grn, linear of one image', values(1, [1, 3, 4, 6], [-2, 2]), 2),
  fused('gelu, grn, linear at one position', values(1, [2, 1, 1, 5], [-2, 2]), 3),
  fused('gelu, grn over the batch, linear', values(1, [3, 2, 2, 4], [-2, 2]), 5, [0, 1, 2]),
]);
