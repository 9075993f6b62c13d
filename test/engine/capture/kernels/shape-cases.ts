import * as tf from '@tensorflow/tfjs';
import type { KernelCase, KernelTable } from './kernel-case.js';
import {
  FORWARD_ONLY,
  SHAPES,
  bool,
  exactly,
  float,
  int,
  kernel,
  of,
  ofTwo,
  text,
} from './kernel-case.js';

const toShape = (from: readonly number[], to: number[]): KernelCase =>
  of(`${text(from)} to ${text(to)}`, float(from), (x) => x.reshape(to));

const permuted = (shape: readonly number[], permutation: number[]): KernelCase =>
  of(`${text(shape)} by ${text(permutation)}`, float(shape), (x) => x.transpose(permutation));

const sliced = (shape: readonly number[], begin: number[], size?: number[]): KernelCase =>
  of(`${text(shape)} from ${text(begin)}${size ? ` of ${text(size)}` : ''}`, float(shape), (x) =>
    x.slice(begin, size),
  );

const reversed = (shape: readonly number[], axis?: number | number[]): KernelCase =>
  of(`${text(shape)} along ${String(axis)}`, float(shape), (x) => tf.reverse(x, axis));

const padded = (shape: readonly number[], paddings: [number, number][], value = 0): KernelCase =>
  of(`${text(shape)} by ${JSON.stringify(paddings)}`, float(shape), (x) =>
    tf.pad(x, paddings, value),
  );

const tiled = (shape: readonly number[], reps: number[]): KernelCase =>
  of(`${text(shape)} ${text(reps)} times`, float(shape), (x) => x.tile(reps));

/** tfjs's gradient needs equal ranks. */
const broadcast = (from: readonly number[], to: readonly number[]): KernelCase =>
  of(
    `${text(from)} to ${text(to)}`,
    float(from),
    (x) => kernel('BroadcastTo', { x }, { shape: to, inputShape: from }),
    // tfjs's own op is a tile; its backends have no such kernel.
    {
      reference: ({ x }) => tf.broadcastTo(x, [...to]),
      ...(from.length === to.length ? {} : FORWARD_ONLY),
    },
  );

export const SHAPE_CASES: KernelTable = {
  Reshape: [
    toShape([2, 6], [3, 4]),
    toShape([], [1, 1]),
    toShape([1], []),
    toShape([2, 3, 4], [-1]),
    toShape([2, 1, 3], [3, -1, 1]),
    of('uniform', float([6]), (x) => tf.ones([2, 3]).reshape([6]).mul(x)),
    of('broadcast', float([1, 3]), (x) => x.tile([2, 1]).reshape([3, 2])),
    of('int32', int([2, 3]), (x) => x.reshape([6])),
    of('bool', bool([2, 3]), (x) => x.reshape([3, 2])),
    of('of a reshape', float([2, 3]), (x) => x.reshape([6]).reshape([3, 2]).reshape([2, 3])),
    of('no elements', float([0, 3]), (x) => x.reshape([5, 0])),
  ],
  Identity: [
    ...SHAPES.map((shape) => of(text(shape), float(shape), (x) => tf.clone(x))),
    of('disposed source', float([2, 3]), (x) => {
      const doubled = x.mul(2);
      const copy = tf.clone(doubled);
      doubled.dispose();
      return copy;
    }),
  ],
  ExpandDims: [
    of('scalar', float([]), (x) => x.expandDims(0)),
    of('front', float([2, 3]), (x) => x.expandDims(0)),
    of('end', float([2, 3]), (x) => x.expandDims(2)),
    of('negative axis', float([2, 3]), (x) => x.expandDims(-1)),
    of('negative axis in the middle', float([2, 3, 4]), (x) => x.expandDims(-2)),
    of('uniform', float([2, 1, 3]), (x) => tf.ones([2, 3]).expandDims(1).mul(x)),
    of('broadcast', float([1, 3]), (x) => x.tile([2, 1]).expandDims(1)),
  ],
  Transpose: [
    permuted([2, 3], [1, 0]),
    permuted([2, 3, 4], [2, 0, 1]),
    permuted([2, 1, 3], [1, 0, 2]), // moves an axis of size 1 only
    permuted([2, 3, 4, 5], [0, 3, 1, 2]),
    permuted([2, 1, 3, 1, 2], [4, 3, 2, 1, 0]),
    of('uniform', float([3, 2]), (x) => tf.ones([2, 3]).transpose().mul(x)),
    of('broadcast', float([1, 3]), (x) => x.tile([2, 1]).transpose()),
    of('int32', int([2, 3]), (x) => x.transpose()),
    of('bool', bool([2, 3]), (x) => x.transpose()),
    of('twice', float([2, 3, 4]), (x) => x.transpose([1, 2, 0]).transpose([2, 0, 1])),
  ],
  Slice: [
    sliced([5], [1], [3]),
    sliced([4, 5], [1, 2], [2, 3]),
    sliced([4, 5], [1, 0], [-1, 2]),
    sliced([4, 5], [0, 0], [4, 5]),
    sliced([4, 5, 3], [2]),
    sliced([4, 5, 3], [1, 2], [2, -1]),
    sliced([2, 3, 2, 3, 2], [0, 1, 0, 2, 1], [2, 1, 2, 1, 1]),
    of('a number', float([4, 5]), (x) => x.slice(1, 2)),
    of('a number to the end', float([4, 5]), (x) => x.slice(3)),
    of('uniform', float([2]), (x) => tf.ones([4, 5]).slice([1, 2], [3, 2]).mul(x)),
    of('broadcast', float([1, 3]), (x) => x.tile([4, 1]).slice([1, 1], [2, 2])),
    of('int32', int([4, 5]), (x) => x.slice([1, 2], [2, 2])),
    of('bool', bool([4, 5]), (x) => x.slice([1, 2], [2, 2])),
    of('nothing', float([4, 5]), (x) => x.slice([1, 2], [0, 2])),
  ],
  SplitV: [
    of('in two', float([4, 3]), (x) => tf.split(x, 2)),
    of('sizes', float([2, 6]), (x) => tf.split(x, [1, 2, 3], 1)),
    of('negative axis', float([2, 6]), (x) => tf.split(x, 3, -1)),
    of('the rest', float([2, 6]), (x) => tf.split(x, [1, -1, 2], 1)),
    of('uniform', float([2]), (x) => tf.split(tf.ones([4, 2]), 2)[1].mul(x)),
    of('int32', int([4, 3]), (x) => tf.split(x, 2)),
  ],
  Concat: [
    ofTwo('rows', float([2, 3]), float([1, 3]), (a, b) => tf.concat([a, b])),
    ofTwo('negative axis', float([2, 3]), float([2, 2]), (a, b) => tf.concat([a, b, a], -1)),
    ofTwo('vectors', float([2]), float([3]), (a, b) => tf.concat([a, b])),
    ofTwo('rank 5', float([1, 2, 1, 2, 2]), float([1, 2, 3, 2, 2]), (a, b) => tf.concat([a, b], 2)),
    ofTwo('an empty one', float([2, 3]), float([0, 3]), (a, b) => tf.concat([a, b])),
    of('uniform', float([2, 3]), (x) => tf.concat([x, tf.zeros([1, 3])])),
    of('broadcast', float([1, 3]), (x) => tf.concat([x, x.tile([2, 1])])),
    ofTwo('int32', int([2, 3]), int([2, 3]), (a, b) => tf.concat([a, b], 1)),
    ofTwo('bool', bool([2, 3]), bool([2, 3], 2), (a, b) => tf.concat([a, b], 1)),
  ],
  Pack: [
    ofTwo('front', float([2, 3]), float([2, 3], [-2, 2], 2), (a, b) => tf.stack([a, b])),
    ofTwo('middle', float([2, 3]), float([2, 3], [-2, 2], 2), (a, b) => tf.stack([a, b], 1)),
    ofTwo('negative axis', float([2, 3]), float([2, 3], [-2, 2], 2), (a, b) =>
      tf.stack([a, b], -1),
    ),
    ofTwo('scalars', float([]), float([], [-2, 2], 2), (a, b) => tf.stack([a, b, a])),
    of('one', float([2, 3]), (x) => tf.stack([x], 1)),
    of('uniform', float([3]), (x) => tf.stack([x, tf.ones([3])])),
    ofTwo('int32', int([3]), int([3], [-5, 5], 2), (a, b) => tf.stack([a, b])),
  ],
  Unpack: [
    of('rows', float([2, 3]), (x) => tf.unstack(x)),
    of('negative axis', float([2, 3]), (x) => tf.unstack(x, -1)),
    of('middle', float([2, 3, 2]), (x) => tf.unstack(x, 1)),
    of('vector', float([3]), (x) => tf.unstack(x)),
    of('one', float([1, 3]), (x) => tf.unstack(x), FORWARD_ONLY), // tfjs's gradient needs two
    of('int32', int([2, 3]), (x) => tf.unstack(x)),
  ],
  PadV2: [
    padded([3], [[1, 2]]),
    padded(
      [2, 3],
      [
        [0, 1],
        [2, 0],
      ],
      -1.5,
    ),
    padded(
      [2, 3],
      [
        [0, 0],
        [0, 0],
      ],
    ),
    padded(
      [1, 2, 3, 2],
      [
        [0, 0],
        [1, 1],
        [3, 0],
        [0, 0],
      ],
    ),
    of('int32', int([2, 2]), (x) => tf.pad(x, [[1, 0], [0, 1]], 7)), // prettier-ignore
    of('bool', bool([2, 2]), (x) => tf.pad(x, [[1, 0], [0, 1]])), // prettier-ignore
    of('uniform', float([3]), (x) => tf.pad(tf.ones([2]), [[0, 1]]).mul(x)),
  ],
  Tile: [
    tiled([3], [2]),
    tiled([1], [3]),
    tiled([2, 3], [1, 1]),
    tiled([2, 3], [2, 2]),
    tiled([1, 3], [4, 1]),
    tiled([1, 3], [2, 2]),
    tiled([2, 1, 3], [1, 3, 1]),
    tiled([1, 2, 1, 3], [2, 1, 2, 1]),
    of('int32', int([2, 2]), (x) => x.tile([2, 1])),
    of('bool', bool([1, 2]), (x) => x.tile([2, 1])),
    of('uniform', float([4, 2]), (x) => tf.ones([2, 2]).tile([2, 1]).mul(x)),
    of('of a tile', float([1, 3]), (x) => x.tile([2, 1]).tile([2, 1])),
  ],
  BroadcastTo: [
    broadcast([3], [2, 3]),
    broadcast([], [2, 2]),
    broadcast([2, 1, 3], [2, 4, 3]),
    broadcast([2, 3], [2, 3]),
    broadcast([1], [2, 1, 2, 3]),
    broadcast([1, 2, 1, 1], [3, 2, 1, 2]),
  ],
  Reverse: [
    reversed([3], 0),
    reversed([2, 3], 1),
    reversed([2, 3], -1),
    reversed([2, 3, 4], [0, 2]),
    reversed([2, 3]),
    reversed([1, 2, 3, 2], [1, 2]),
    of('int32', int([2, 3]), (x) => tf.reverse(x, 0)),
    of('bool', bool([2, 3]), (x) => tf.reverse(x, 0)),
  ],
  GatherV2: [
    ofTwo('rows', float([4, 3]), int([5], [0, 3]), tf.gather, FORWARD_ONLY),
    ofTwo('columns', float([2, 4]), int([3], [0, 3]), (x, at) => tf.gather(x, at, 1), FORWARD_ONLY),
    ofTwo(
      'negative axis',
      float([2, 4]),
      int([3], [0, 3]),
      (x, at) => tf.gather(x, at, -1),
      FORWARD_ONLY,
    ),
    ofTwo('by a matrix', float([4, 3]), int([2, 3], [0, 3]), tf.gather, FORWARD_ONLY),
    ofTwo('one', float([4, 3]), int([], [2, 2]), tf.gather, FORWARD_ONLY),
    ofTwo('int32', int([4, 3]), int([2], [0, 3]), tf.gather),
    of(
      'constant indices',
      float([4, 3]),
      (x) => tf.gather(x, tf.tensor1d([2, 0], 'int32')),
      FORWARD_ONLY,
    ),
  ],
  Fill: [
    of('float32', float([3]), (x) => tf.fill([2, 3], 2.5).mul(x)),
    of('an output by itself', float([1]), () => tf.fill([2, 3], 2.5), FORWARD_ONLY),
    of('int32', int([3]), (x) => tf.fill([2, 3], 2, 'int32').mul(x)),
    of('bool', bool([3]), (x) => tf.fill([3], 1, 'bool').logicalAnd(x)),
    of('scalar', float([3]), (x) => tf.fill([], 2).mul(x)),
  ],
  ZerosLike: [
    ...SHAPES.map((shape) => of(text(shape), float(shape), (x) => tf.zerosLike(x).add(x))),
    of('int32', int([2, 3]), (x) => tf.zerosLike(x)),
    of('bool', bool([2, 3]), (x) => tf.zerosLike(x)),
  ],
  OnesLike: [
    ...SHAPES.map((shape) => of(text(shape), float(shape), (x) => tf.onesLike(x).add(x))),
    of('int32', int([2, 3]), (x) => tf.onesLike(x)),
    of('bool', exactly([2], [0, 1]), (x) => tf.onesLike(x.cast('bool')), FORWARD_ONLY),
  ],
};
