import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../../engine/runtime/program.js';
import type { KernelCase, KernelTable } from './kernel-case.js';
import { FORWARD_ONLY, bool, exactly, float, int, kernel, of, text } from './kernel-case.js';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

/** Shapes with the axes to reduce. */
const AXES: readonly (readonly [readonly number[], (number | number[])?])[] = [
  [[]],
  [[3]],
  [[3], 0],
  [[2, 3]],
  [[2, 3], 0],
  [[2, 3], -1],
  [[2, 3, 4], 1],
  [
    [2, 3, 4],
    [0, 2],
  ],
  [
    [2, 3, 4],
    [2, 0],
  ],
  [
    [2, 3, 4],
    [-1, -2],
  ],
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [[2, 1, 3], 1],
  [
    [1, 2, 1, 3, 2],
    [0, 1, 4],
  ],
  [[2, 3], []],
];

function reductionCases(f: Reduction, more: Partial<KernelCase> = {}): KernelCase[] {
  const wide = float([2, 3, 1, 4]);
  return [
    ...AXES.flatMap(([shape, axis]) =>
      [false, true].map((keepDims) =>
        of(
          `${text(shape)} over ${JSON.stringify(axis)}${keepDims ? ' kept' : ''}`,
          float(shape),
          (x) => f(x, axis, keepDims),
          more,
        ),
      ),
    ),
    of('uniform', float([2]), (x) => f(tf.fill([3, 2], 1.5), 0).mul(x)),
    of('broadcast', float([1, 3]), (x) => f(x.tile([4, 1]), 0), more),
    of('several in one graph', wide, (x) => [f(x, [0, 1]), f(x, [1], true), f(x)], more),
  ];
}

const integers = (f: Reduction, input: HostTensor = int([2, 3])): KernelCase =>
  of(input.data instanceof Int32Array ? 'int32' : 'bool', input, (x) => f(x, 1));

const TIES = exactly([2, 4], [1, 3, 3, 0, 5, 5, 5, 5]);

type ArgReduction = (x: tf.Tensor, axis?: number) => tf.Tensor;

const argCases = (f: ArgReduction): KernelCase[] => [
  of('vector', float([5]), (x) => f(x), FORWARD_ONLY),
  of('rows', float([4, 5]), (x) => f(x, 1), FORWARD_ONLY),
  of('columns', float([4, 5]), (x) => f(x), FORWARD_ONLY),
  of('negative axis', float([2, 3, 4]), (x) => f(x, -2), FORWARD_ONLY),
  of('ties take the first', TIES, (x) => f(x, 1), FORWARD_ONLY),
  of('int32', int([2, 4]), (x) => f(x, 1)),
];

const oneHot = (
  labels: HostTensor,
  depth: number,
  on?: number,
  off?: number,
  dtype?: 'float32' | 'int32',
): KernelCase =>
  of(`${text(labels.shape)} of ${depth}, ${on} and ${off}, ${dtype}`, labels, (x) =>
    tf.oneHot(x, depth, on, off, dtype),
  );

export const REDUCE_CASES: KernelTable = {
  Sum: [...reductionCases(tf.sum), integers(tf.sum), integers(tf.sum, bool([2, 3]))],
  Mean: [...reductionCases(tf.mean), integers(tf.mean)],
  Prod: [...reductionCases(tf.prod, FORWARD_ONLY), integers(tf.prod)],
  Max: [
    ...reductionCases(tf.max),
    integers(tf.max),
    of('ties share the gradient', TIES, (x) => tf.max(x, 1)),
  ],
  Min: [
    ...reductionCases(tf.min),
    integers(tf.min),
    of('ties share the gradient', TIES, (x) => tf.min(x, 0)),
  ],
  ArgMax: argCases(tf.argMax),
  ArgMin: argCases(tf.argMin),
  Softmax: [
    of('vector', float([4]), (x) => tf.softmax(x)),
    of('rows', float([2, 4]), (x) => tf.softmax(x)),
    of('rank 4', float([1, 2, 3, 4]), (x) => tf.softmax(x, -1)),
    of('one class', float([3, 1]), (x) => tf.softmax(x)),
    of('huge', exactly([2, 2], [1000, 0, -1000, -1000]), (x) => tf.softmax(x)),
  ],
  LogSoftmax: [[4], [2, 4], [2, 3, 4]].map((shape) =>
    of(
      text(shape),
      float(shape),
      (logits) => kernel('LogSoftmax', { logits }, { axis: shape.length - 1 }),
      // tfjs's own op is composed of others; its cpu backend has no such kernel.
      { reference: ({ x }) => tf.logSoftmax(x) },
    ),
  ),
  OneHot: [
    oneHot(int([5], [0, 3]), 4),
    oneHot(int([5], [-2, 6]), 4), // outside the range: rows of `off`
    oneHot(int([2, 3], [0, 2]), 3, 2, -1),
    oneHot(int([4], [0, 2]), 3, 1, 0, 'float32'),
    oneHot(int([4], [-1, 3]), 3, 0.5, 0.25, 'float32'),
  ],
};
