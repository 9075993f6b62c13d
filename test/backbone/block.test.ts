import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { EPS, block, blockSpecs, type BlockParams } from '../../backbone/block.js';
import { depthwiseConv } from '../../engine/ops/conv.js';
import { gelu } from '../../engine/ops/gelu.js';
import { grn } from '../../engine/ops/grn.js';
import { layerNorm } from '../../engine/ops/layer-norm.js';
import { linear } from '../../engine/ops/linear.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import { expectGradient } from '../helpers/tolerance.js';
import type { OpCase } from '../engine/op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forward,
  forwardAndGradients,
  opCase,
  values,
} from '../engine/op-case.js';

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** The tree of a block's parameters from tensors by path. */
function paramsOf(i: Tensors, withGrn: boolean): BlockParams {
  const pair = (name: string): { weight: tf.Tensor; bias: tf.Tensor } => ({
    weight: i[`${name}.weight`],
    bias: i[`${name}.bias`],
  });
  const grnParams = { gamma: i['grn.gamma'], beta: i['grn.beta'] };
  return {
    dwconv: pair('dwconv'),
    norm: pair('norm'),
    pwconv1: pair('pwconv1'),
    pwconv2: pair('pwconv2'),
    ...(withGrn ? { grn: grnParams } : {}),
  } as unknown as BlockParams;
}

/** The block as the paper draws it, one layer after the other, nothing folded. */
function reference(x: tf.Tensor4D, p: BlockParams, mask?: tf.Tensor1D): tf.Tensor {
  let h = layerNorm(depthwiseConv(x, p.dwconv), p.norm, EPS);
  h = gelu(linear(h, p.pwconv1));
  if (p.grn) h = grn(h, p.grn, EPS);
  h = linear(h, p.pwconv2);
  return x.add(mask ? h.mul(mask.reshape([-1, 1, 1, 1])) : h);
}

type Apply = (x: tf.Tensor4D, params: BlockParams, mask?: tf.Tensor1D) => tf.Tensor;

const ours: Apply = (x, params, mask) => block(x, params, mask ? { dropPathMask: mask } : {});

function caseOf(
  name: string,
  x: HostTensor,
  responseNorm: 'grn' | 'none',
  apply: Apply,
  mask?: HostTensor,
): OpCase {
  const params = listSpecs(blockSpecs(x.shape[3], responseNorm)).map(([path, { shape }], i) => [
    path,
    values(10 + i, shape, [-0.5, 0.5]),
  ]);
  const inputs = Object.fromEntries(params) as Record<string, HostTensor>;
  return opCase<Tensors>({
    name,
    inputs: { x, ...inputs, ...(mask ? { mask } : {}) },
    // A step along all weights of a kernel moves what the norm of a few channels sees by several times as much.
    reach: 1 / 64,
    op: (i) =>
      tf.tidy(() =>
        apply(
          i['x'] as tf.Tensor4D,
          paramsOf(i, responseNorm === 'grn'),
          i['mask'] as tf.Tensor1D | undefined,
        ),
      ),
  });
}

const X = values(1, [2, 5, 6, 8], [-2, 2]);
const MASK = floats([2], [0, 1.25]);

describe.each(WAYS)('a block, %s', (way) => {
  test.each<['grn' | 'none', HostTensor | undefined]>([
    ['grn', undefined],
    ['none', undefined],
    ['grn', MASK],
    ['none', MASK],
  ])('with responseNorm %s is the paper’s, layer by layer', async (responseNorm, mask) => {
    const actual = await forward(way, caseOf('block', X, responseNorm, ours, mask));
    const written = caseOf('reference', X, responseNorm, reference, mask);
    expectSame('y', actual, await forward('eager cpu', written));
  });

  test('is the identity for a sample whose branch is dropped', async () => {
    const y = await forward(way, caseOf('dropped', X, 'grn', ours, MASK));
    const half = X.data.length / 2;
    expect([...y.data.slice(0, half)]).toEqual([...X.data.slice(0, half)]);
    expect([...y.data.slice(half)]).not.toEqual([...X.data.slice(half)]);
  });
});

test.each(['compiled', 'compiled portable'] as const)(
  'folding and fusing do not change any gradient: %s',
  async (way) => {
    const actual = await forwardAndGradients(way, caseOf('block', X, 'grn', ours, MASK));
    const expected = await forwardAndGradients(
      'eager cpu',
      caseOf('reference', X, 'grn', reference, MASK),
    );
    for (const [name, { data }] of Object.entries(expected.gradients))
      expectGradient(name, actual.gradients[name].data, data, 1e-4);
  },
);

test('observe gets the expanded activations before and after GRN', async () => {
  const seen = async (
    responseNorm: 'grn' | 'none',
    which: 'expanded' | 'normalized',
  ): Promise<HostTensor> =>
    forward(
      'eager cpu',
      caseOf('observed', X, responseNorm, (x, params) => {
        let found: tf.Tensor = tf.zeros([0]);
        block(x, params, { observe: (name, value) => name === which && (found = tf.keep(value.clone())) }); // prettier-ignore
        return found;
      }),
    );
  const expand =
    (normalize: boolean): Apply =>
    (x, p) => {
      const h = gelu(linear(layerNorm(depthwiseConv(x, p.dwconv), p.norm, EPS), p.pwconv1));
      return normalize && p.grn ? grn(h, p.grn, EPS) : h;
    };
  const expected = (normalize: boolean): Promise<HostTensor> =>
    forward('eager cpu', caseOf('reference', X, 'grn', expand(normalize)));
  expectSame('expanded', await seen('grn', 'expanded'), await expected(false));
  expectSame('normalized', await seen('grn', 'normalized'), await expected(true));
  expect((await seen('none', 'normalized')).shape).toEqual([0]);
});

test('specs have the official names and shapes; without GRN there is no grn', () => {
  const shapes = listSpecs(blockSpecs(3, 'grn')).map(([path, { shape }]) => [path, shape]);
  expect(shapes).toEqual([
    ['dwconv.weight', [7, 7, 3, 1]],
    ['dwconv.bias', [3]],
    ['norm.weight', [3]],
    ['norm.bias', [3]],
    ['pwconv1.weight', [3, 12]],
    ['pwconv1.bias', [12]],
    ['grn.gamma', [12]],
    ['grn.beta', [12]],
    ['pwconv2.weight', [12, 3]],
    ['pwconv2.bias', [3]],
  ]);
  const names = listSpecs(blockSpecs(3, 'none')).map(([path]) => path);
  expect(names).toEqual(shapes.map(([path]) => path).filter((path) => !String(path).startsWith('grn'))); // prettier-ignore
});

test('initially GRN is the identity, norms have scale 1 and shift 0, biases are zero', () => {
  const init = Object.fromEntries(listSpecs(blockSpecs(3, 'grn')).map(([p, s]) => [p, s.init]));
  const constant = (value: number): unknown => ({ kind: 'constant', value });
  for (const path of ['grn.gamma', 'grn.beta', 'norm.bias', 'dwconv.bias', 'pwconv1.bias'])
    expect(init[path], path).toEqual(constant(0));
  expect(init['norm.weight']).toEqual(constant(1));
  for (const path of ['dwconv.weight', 'pwconv1.weight', 'pwconv2.weight'])
    expect(init[path], path).toEqual({ kind: 'truncatedNormal', std: 0.02, limit: 2 });
});

describeOp([
  caseOf('block of width 8 with drop path', X, 'grn', ours, MASK),
  caseOf('block of width 3', values(2, [1, 4, 3, 3], [-2, 2]), 'grn', ours),
  caseOf('block without response norm', values(2, [1, 3, 4, 4], [-2, 2]), 'none', ours),
]);
