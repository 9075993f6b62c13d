import type { LevelPredictions } from '../../core/nms-proposals.js';
import { ShapeError } from '../../core/errors.js';
import { formatShape, numElements } from '../../core/shape.js';
import type { HostTensor, HostTensors, OutputArrays } from '../../engine/runtime/program.js';
import type { FeatureMaps, PyramidShape } from '../../heads/roi/feature-maps.js';
import { pyramidShape, REGION_STRIDES } from '../../heads/roi/feature-maps.js';
import { ANCHOR_LEVELS, REGION_LEVELS } from './feature-programs.js';

/** Images are filled up to multiples of this many pixels. */
export const SIZE_DIVISOR_PX = 32;

/**
 * Checks a batch of images.
 *
 * @throws ShapeError unless it is `[N, H, W, 3]` with sides that are multiples of 32
 */
export function assertImages(where: string, { shape, data }: HostTensor): void {
  const [n, h, w, c] = shape;
  const sound = shape.length === 4 && n > 0 && h > 0 && w > 0 && c === 3;
  if (!sound || h % SIZE_DIVISOR_PX !== 0 || w % SIZE_DIVISOR_PX !== 0)
    throw new ShapeError(
      `${where}: expected images [N, H, W, 3] padded to multiples of ${SIZE_DIVISOR_PX}, got ${formatShape(shape)}`,
    );
  if (data.length !== numElements(shape))
    throw new ShapeError(
      `${where}: expected ${numElements(shape)} values for ${formatShape(shape)}, got ${data.length}`,
    );
}

/**
 * The sizes of P2 … P5.
 *
 * @param images `[N, H, W, 3]` as {@link assertImages} wants them
 * @param numChannels of the pyramid
 */
export function pyramidOf([n, h, w]: readonly number[], numChannels: number): PyramidShape {
  return pyramidShape(REGION_STRIDES.map((stride) => [n, h / stride, w / stride, numChannels]));
}

/** Where the features program writes P2 … P5, so that the region kernels read them in place. */
export function mapsAsOutputs({ maps }: FeatureMaps): OutputArrays {
  return Object.fromEntries(REGION_LEVELS.map((level, i) => [level, maps[i]]));
}

/** The RPN's predictions for one image, views of the outputs. */
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
