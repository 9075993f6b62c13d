import type * as tf from '@tensorflow/tfjs';
import { channelAffine, channelDot } from '../../../../engine/ops/channels.js';
import { FUSED_KERNEL } from '../../../../engine/ops/fused-kernels.js';
import { geluSlope } from '../../../../engine/ops/gelu.js';
import { standardizeGradient } from '../../../../engine/ops/layer-norm.js';
import { inBlocks } from '../../../../engine/ops/lowering.js';
import {
  pointwise,
  pointwiseProducts,
  pointwiseWeightGradient,
} from '../../../../engine/ops/pointwise.js';
import { FORWARD_ONLY, float, text, type KernelCase, type KernelTable } from './kernel-case.js';

type Op = (inputs: Readonly<Record<string, tf.Tensor4D>>) => tf.Tensor;

/** Maps: channels that are no multiple of a block, odd numbers of positions, more than can be summed in one go. */
const MAPS: readonly (readonly number[])[] = [
  [1, 3, 5, 4],
  [2, 7, 7, 20],
  [3, 4, 4, 40],
  [1, 50, 45, 8],
];

const vector = (tensor: tf.Tensor): tf.Tensor1D => tensor.reshape([-1]);
const matrix = (tensor: tf.Tensor): tf.Tensor2D => tensor.reshape([-1, tensor.shape.at(-1) ?? 1]);

/** A case for every map; `more` are further inputs by the shape of the map. */
function onMaps(
  name: string,
  op: Op,
  more: (map: readonly number[]) => Readonly<Record<string, readonly number[]>> = () => ({}),
  maps = MAPS,
): KernelCase[] {
  return maps.map((map) => ({
    name: `${name} of ${text(map)}`,
    inputs: {
      x: float(map),
      ...Object.fromEntries(
        Object.entries(more(map)).map(([key, shape], i) => [key, float(shape, [-1, 1], i + 2)]),
      ),
    },
    op: (inputs) => op({ ...inputs, x: inBlocks(inputs['x'] as tf.Tensor4D) } as never),
    ...FORWARD_ONLY,
  }));
}

const WHOLE_BLOCKS = MAPS.filter(([, h, w]) => (h * w) % 16 === 0);
const perImage = ([n, , , c]: readonly number[]): readonly number[] => [n, 1, 1, c];

/** Kernels of the blocked layout, and what the ops are composed of elsewhere. */
export const BLOCKED_CASES: KernelTable = {
  [FUSED_KERNEL.inBlocks]: onMaps('there and back', ({ x }) => x.add(1)),
  [FUSED_KERNEL.geluSlope]: onMaps('slope', ({ x }) => {
    const { factor, slope } = geluSlope(x.mul(4));
    return slope.mul(factor);
  }),
  [FUSED_KERNEL.standardizeGradient]: [false, true].flatMap((isCentered) =>
    onMaps(
      isCentered ? 'of a centered gradient' : 'of any gradient',
      ({ x, dy, inverse }) => standardizeGradient(inBlocks(dy), x, inverse, isCentered),
      (map) => ({ dy: map, inverse: [...map.slice(0, 3), 1] }),
    ),
  ),
  [FUSED_KERNEL.pointwise]: [
    ...onMaps(
      'map',
      ({ x, w, b }) => pointwise(x, matrix(w), { bias: vector(b) }),
      (map) => ({ w: [map[3], 12], b: [12] }),
    ),
    ...onMaps(
      'transposed map',
      ({ x, w }) => pointwise(x, matrix(w), { transposed: true }),
      (map) => ({ w: [24, map[3]] }),
    ),
    ...onMaps(
      'map with an addend',
      ({ x, w, z }) => z.add(pointwise(x, matrix(w))),
      (map) => ({ w: [map[3], map[3]], z: map }),
    ),
    ...onMaps(
      'a weight per image',
      ({ x, w, b, s, z }) =>
        pointwise(x, matrix(w), { bias: vector(b), scale: s }).add(inBlocks(z)),
      (map) => ({
        w: [map[3], 28],
        b: [28],
        s: perImage(map),
        z: [...map.slice(0, 3), 28],
      }),
    ),
    ...onMaps(
      'transposed, a weight per image',
      ({ x, w, s }) => pointwise(x, matrix(w), { scale: s, transposed: true }),
      (map) => ({ w: [36, map[3]], s: [map[0], 1, 1, 36] }),
    ),
  ],
  [FUSED_KERNEL.pointwiseWeightGradient]: [
    ...onMaps(
      'to more channels',
      ({ x, dy }) => pointwiseWeightGradient(x, dy),
      ([n, h, w]) => ({ dy: [n, h, w, 44] }),
    ),
    ...onMaps(
      'to fewer channels',
      ({ x, dy }) => pointwiseWeightGradient(x, dy),
      ([n, h, w]) => ({ dy: [n, h, w, 4] }),
    ),
    ...onMaps(
      'of every image',
      ({ x, dy }) => pointwiseProducts(x, dy),
      ([n, h, w]) => ({ dy: [n, h, w, 12] }),
      WHOLE_BLOCKS,
    ),
  ],
  [FUSED_KERNEL.channelDot]: [
    ...onMaps(
      'of two maps',
      ({ x, z }) => channelDot(x, z),
      (map) => ({ z: map }),
    ),
    ...onMaps('energy of the batch', ({ x }) => channelDot(x, x, [0, 1, 2])),
  ],
  [FUSED_KERNEL.channelAffine]: [
    ...onMaps(
      'scale per image',
      ({ x, s }) => channelAffine(x, s),
      (map) => ({ s: perImage(map) }),
    ),
    ...onMaps(
      'scale, bias, addend',
      ({ x, s, b, z }) => channelAffine(x, s, { bias: vector(b), add: z }),
      (map) => ({ s: perImage(map), b: [map[3]], z: map }),
    ),
    ...onMaps(
      'one scale for all images',
      ({ x, s, b }) => channelAffine(x, s, { bias: vector(b) }),
      ([, , , c]) => ({ s: [1, 1, 1, c], b: [c] }),
    ),
  ],
};
