import type { Boxes, Size } from '../../core/boxes.js';
import { decodeBoxes, decodeBoxesOfClass, type BoxCoderConfig } from '../../core/box-coder.js';

/**
 * Computes the RoIs of the next stage of a cascade: applies the deltas of one class to every box and clips it to the
 * image.
 *
 * @param boxes `[R, 4]`
 * @param deltas `[R, 4K]`, class-major, or `[R, 4]`
 * @param classIndices `int32 [R]`: class of the deltas; ignored if the deltas are class-agnostic
 * @param image the un-padded image
 * @returns `[R, 4]`
 */
export function refineBoxes(
  boxes: Boxes,
  deltas: Float32Array,
  classIndices: Int32Array,
  image: Size,
  coder: BoxCoderConfig,
): Boxes {
  const options = { ...coder, clip: image };
  return deltas.length === boxes.length
    ? decodeBoxes(boxes, deltas, options)
    : decodeBoxesOfClass(boxes, deltas, classIndices, options);
}
