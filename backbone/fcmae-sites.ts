import { withGradient } from '../engine/ops/with-gradient.js';
import * as tf from '../engine/tfjs.js';
import { assertShape, numElements } from '../core/shape.js';

/** Shape of a feature map and its visible part: G = grid columns, `cell` sites of a patch on each axis. */
export interface SiteShape {
  readonly numImages: number;
  /** Number of patches of an image along each axis. */
  readonly rows: number;
  readonly columns: number;
  /** K, visible patches of an image. */
  readonly numVisible: number;
  /** Sites of a patch along each axis. */
  readonly cell: number;
}

/** Shape and indices of the visible segments, see `segmentIndices`. */
export interface SiteIndices {
  /** `int32 [N · K · cell]` */
  readonly gather: tf.Tensor1D;
  /** `int32 [N · rows · cell · columns]` */
  readonly scatter: tf.Tensor1D;
}

/**
 * Gathers the visible sites of a feature map, patch after patch.
 *
 * No site is gathered twice, so gathering and scattering are each other's gradients: both are gathers, by the indices and
 * by the inverse indices, and no scatter-add is needed.
 *
 * @param x `[N, rows · cell, columns · cell, C]`
 * @returns `[N, K · cell, cell, C]`
 * @throws ShapeError if the size of the map differs
 */
export function gatherVisible(x: tf.Tensor4D, indices: SiteIndices, shape: SiteShape): tf.Tensor4D {
  const channels = x.shape[3];
  assertShape('gatherVisible', x, mapShape(shape, channels));
  const { gather, scatter } = indices;
  return moved(x, [gather, scatter], shape, { there: gathered, back: scattered });
}

/**
 * Inverse of {@link gatherVisible}: the map, with zeros at removed sites.
 *
 * @param x `[N, K · cell, cell, C]`
 * @returns `[N, rows · cell, columns · cell, C]`
 * @throws ShapeError if the number of sites differs
 */
export function scatterVisible(
  x: tf.Tensor4D,
  indices: SiteIndices,
  shape: SiteShape,
): tf.Tensor4D {
  const { numImages, numVisible, cell } = shape;
  assertShape('scatterVisible', x, [numImages, numVisible * cell, cell, x.shape[3]]);
  const { gather, scatter } = indices;
  return moved(x, [scatter, gather], shape, { there: scattered, back: gathered });
}

type Move = (x: tf.Tensor4D, indices: tf.Tensor1D, shape: SiteShape) => tf.Tensor4D;

/** Moves sites; the gradient moves them back. */
function moved(
  x: tf.Tensor4D,
  [indices, inverse]: readonly [tf.Tensor1D, tf.Tensor1D],
  shape: SiteShape,
  { there, back }: { readonly there: Move; readonly back: Move },
): tf.Tensor4D {
  return withGradient(
    [x],
    (input) => ({ value: there(input, indices, shape), saved: [inverse] }),
    (dy, [kept]) => back(dy, kept, shape),
  );
}

const mapShape = ({ numImages, rows, columns, cell }: SiteShape, channels: number): number[] => [
  numImages,
  rows * cell,
  columns * cell,
  channels,
];

function gathered(x: tf.Tensor4D, gather: tf.Tensor1D, shape: SiteShape): tf.Tensor4D {
  const { numImages, numVisible, cell } = shape;
  const channels = x.shape[3];
  return tf.tidy(() => {
    const segments = x.reshape([numElements(x.shape) / (cell * channels), cell * channels]);
    const taken = tf.gather(segments, gather); // [N · K · cell, cell · C]
    return taken.reshape([numImages, numVisible * cell, cell, channels]);
  });
}

function scattered(x: tf.Tensor4D, scatter: tf.Tensor1D, shape: SiteShape): tf.Tensor4D {
  const { cell } = shape;
  const channels = x.shape[3];
  const width = cell * channels;
  return tf.tidy(() => {
    const segments = x.reshape([numElements(x.shape) / width, width]); // [N · K · cell, cell · C]
    const padded = tf.concat([segments, tf.zeros([1, width])]); // removed segments index the last row
    return tf.gather(padded, scatter).reshape(mapShape(shape, channels));
  });
}
