import * as tf from '@tensorflow/tfjs';
import type { KernelCase, KernelTable } from './kernel-case.js';
import { FORWARD_ONLY, float, of, ofTwo, text } from './kernel-case.js';

type Flags = readonly [a: boolean, b: boolean];
const FLAGS: readonly Flags[] = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
];

const swapped = (shape: readonly number[], swap: boolean): number[] =>
  swap ? [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]] : [...shape];

/** `[…, m, k] · […, k, n]` with all four ways to store the operands. */
const products = (a: readonly number[], b: readonly number[]): KernelCase[] =>
  FLAGS.map(([ta, tb]) =>
    ofTwo(
      `${text(a)} · ${text(b)}${ta ? ', left transposed' : ''}${tb ? ', right transposed' : ''}`,
      float(swapped(a, ta)),
      float(swapped(b, tb), [-2, 2], 2),
      (x, y) => tf.matMul(x, y, ta, tb),
      // tfjs cannot differentiate a batch that broadcasts.
      text(a.slice(0, -2)) === text(b.slice(0, -2)) ? {} : FORWARD_ONLY,
    ),
  );

function fused(
  a: readonly number[],
  b: readonly number[],
  [ta, tb]: Flags,
  bias: readonly number[] | undefined,
  activation: 'linear' | 'relu' = 'linear',
): KernelCase {
  return {
    name: `${text(a)} · ${text(b)} + ${bias ? text(bias) : 'nothing'}, ${activation}, ${ta} ${tb}`,
    inputs: {
      a: float(swapped(a, ta)),
      b: float(swapped(b, tb), [-2, 2], 2),
      ...(bias ? { bias: float(bias, [-2, 2], 3) } : {}),
    },
    op: (i) =>
      tf.fused.matMul({
        a: i.a,
        b: i.b,
        transposeA: ta,
        transposeB: tb,
        activation,
        ...(bias ? { bias: i.bias } : {}),
      }),
  };
}

export const PRODUCT_CASES: KernelTable = {
  BatchMatMul: [
    ...products([2, 3], [3, 4]),
    ...products([1, 3], [3, 1]),
    ...products([2, 2, 3], [2, 3, 4]),
    ...products([1, 2, 3], [1, 3, 4]),
    ...products([1, 2, 3], [2, 3, 4]),
    ...products([2, 2, 3], [1, 3, 4]),
    ...products([2, 3, 2, 3], [2, 3, 3, 4]),
    ofTwo('a vector and a matrix', float([3]), float([3, 2]), (a, b) => tf.dot(a, b)),
    of('uniform', float([2, 3]), (x) => x.matMul(tf.ones([3, 2]))),
    of('broadcast', float([1, 3]), (x) => x.tile([2, 1]).matMul(x, false, true)),
  ],
  _FusedMatMul: [
    ...FLAGS.map((flags) => fused([2, 3], [3, 4], flags, [4])),
    ...FLAGS.map((flags) => fused([2, 3], [3, 4], flags, undefined)),
    fused([2, 3], [3, 4], [false, false], [4], 'relu'),
    fused([2, 3], [3, 4], [false, false], undefined, 'relu'),
    fused([2, 3], [3, 1], [false, false], [1]),
    fused([1, 3], [3, 4], [false, true], [1, 4]),
    fused([2, 2, 3], [2, 3, 4], [false, false], [4]),
    fused([2, 2, 3], [2, 3, 4], [true, true], [4], 'relu'),
    fused([1, 2, 3], [1, 3, 4], [false, false], [4]),
  ],
};
