import * as tf from '../engine/tfjs.js';
import { ShapeError } from '../core/errors.js';
import type { HostTensor, HostTensors } from '../engine/runtime/program.js';
import type { SiteIndices, SiteShape } from './fcmae-sites.js';
import { patchGrid, segmentIndices, type PatchMask } from './masking.js';

/** Strides of the four stages in pixels. */
const STRIDES = [4, 8, 16, 32] as const;

/** A masked batch as tensors of a forward pass. */
export interface MaskedBatch {
  /** `[N, H, W, 3]`, normalized. */
  readonly image: tf.Tensor4D;
  /** `[N, rows, columns, 1]`: 1 where removed. */
  readonly mask: tf.Tensor4D;
  /** `int32 [N · K · patchSize]`: image segment of every segment of the visible patches. */
  readonly imageSegments: tf.Tensor1D;
  /** By stage. */
  readonly sites: readonly (SiteIndices & { readonly shape: SiteShape })[];
  readonly imageShape: SiteShape;
}

/**
 * Creates the inputs of an autoencoder's programs: `image`, `mask` `[N, rows, columns, 1]`, and the indices
 * `gatherImage`, `gather0` … `gather3`, `scatter0` … `scatter3`.
 *
 * @param image `[N, H, W, 3]`, normalized
 * @throws ConfigError if patches do not tile the image; ShapeError if the mask does not belong to the batch
 */
export function fcmaeInputs(image: HostTensor, mask: PatchMask, patchSize: number): HostTensors {
  const [numImages, height, width] = image.shape;
  const grid = patchGrid({ height, width }, patchSize);
  const { rows, columns } = mask.grid;
  if (grid.rows !== rows || grid.columns !== columns || numImages !== mask.numImages) {
    throw new ShapeError(
      `fcmaeInputs: expected a mask of ${numImages} images with ${grid.rows} × ${grid.columns} patches, got ${mask.numImages} with ${rows} × ${columns}`,
    );
  }
  const inputs: Record<string, HostTensor> = {
    image,
    mask: { shape: [numImages, rows, columns, 1], data: mask.mask },
    gatherImage: vector(segmentIndices(mask, patchSize).gather),
  };
  STRIDES.forEach((stride, s) => {
    const { gather, scatter } = segmentIndices(mask, patchSize / stride);
    inputs[`gather${s}`] = vector(gather);
    inputs[`scatter${s}`] = vector(scatter);
  });
  return inputs;
}

const vector = (data: Int32Array): HostTensor => ({ shape: [data.length], data });

/** Reads the inputs made by {@link fcmaeInputs} in a forward pass; sizes are derived from their shapes. */
export function maskedBatch(
  inputs: Readonly<Record<string, tf.Tensor>>,
  patchSize: number,
): MaskedBatch {
  const image = inputs['image'] as tf.Tensor4D;
  const mask = inputs['mask'] as tf.Tensor4D;
  const imageSegments = inputs['gatherImage'] as tf.Tensor1D;
  const [numImages, rows, columns] = mask.shape;
  const numVisible = imageSegments.size / (patchSize * numImages);
  const shape = (cell: number): SiteShape => ({ numImages, rows, columns, numVisible, cell });
  return {
    image,
    mask,
    imageSegments,
    imageShape: shape(patchSize),
    sites: STRIDES.map((stride, s) => ({
      gather: inputs[`gather${s}`] as tf.Tensor1D,
      scatter: inputs[`scatter${s}`] as tf.Tensor1D,
      shape: shape(patchSize / stride),
    })),
  };
}

/**
 * Computes the mask of a stage: 1 at visible sites.
 *
 * @returns `[N, rows · cell, columns · cell, 1]`
 */
export function visibleSites({ mask, sites }: MaskedBatch, stage: number): tf.Tensor4D {
  const { numImages, rows, columns, cell } = sites[stage].shape;
  return tf.tidy(() => {
    const cells = tf.sub(1, mask).reshape([numImages * rows, 1, columns, 1]);
    const repeated = cells.tile([1, cell, 1, cell]); // [N · rows, cell, columns, cell]
    return repeated.reshape([numImages, rows * cell, columns * cell, 1]);
  });
}
