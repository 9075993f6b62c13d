import type { LevelPredictions } from '../../core/nms-proposals.js';
import { ShapeError } from '../../core/errors.js';
import { formatShape, numElements } from '../../core/shape.js';
import type { HostTensor, HostTensors, OutputArrays } from '../../engine/runtime/program.js';
import {
  pyramidShape,
  ROI_STRIDES,
  type FeatureMaps,
  type PyramidShape,
} from '../../heads/roi/feature-maps.js';
import { ANCHOR_LEVELS, ROI_LEVELS } from './feature-programs.js';

/** Images are padded to multiples of this number of pixels. */
export const SIZE_DIVISOR_PX = 32;

/**
 * Checks a batch of images.
 *
 * @throws ShapeError unless it is `[N, H, W, 3]` with sides that are multiples of 32
 */
export function assertImages(where: string, { shape, data }: HostTensor): void {
  const [n, h, w, c] = shape;
  const isImageBatch = shape.length === 4 && n > 0 && h > 0 && w > 0 && c === 3;
  if (!isImageBatch || h % SIZE_DIVISOR_PX !== 0 || w % SIZE_DIVISOR_PX !== 0)
    throw new ShapeError(
      `${where}: expected images [N, H, W, 3] padded to multiples of ${SIZE_DIVISOR_PX}, got ${formatShape(shape)}`,
    );
  if (data.length !== numElements(shape))
    throw new ShapeError(
      `${where}: expected ${numElements(shape)} values for ${formatShape(shape)}, got ${data.length}`,
    );
}

/**
 * Computes the sizes of P2 … P5.
 *
 * @param images `[N, H, W, 3]`, see {@link assertImages}
 * @param numChannels number of channels of the pyramid
 */
export function pyramidOf([n, h, w]: readonly number[], numChannels: number): PyramidShape {
  return pyramidShape(ROI_STRIDES.map((stride) => [n, h / stride, w / stride, numChannels]));
}

/** Destinations for P2 … P5 in the arena, so that the RoI kernels read them in place. */
export function mapsAsOutputs({ maps }: FeatureMaps): OutputArrays {
  return Object.fromEntries(ROI_LEVELS.map((level, i) => [level, maps[i]]));
}

/** RPN predictions for one image, as views of the outputs. */
export function levelPredictions(outputs: HostTensors, image: number): readonly LevelPredictions[] {
  const part = ({ shape, data }: HostTensor): Float32Array => {
    const size = numElements(shape) / shape[0];
    return (data as Float32Array).subarray(image * size, (image + 1) * size);
  };
  return ANCHOR_LEVELS.map((_, i) => ({
    scores: part(outputs[`scores${i}`]),
    deltas: part(outputs[`deltas${i}`]),
  }));
}
