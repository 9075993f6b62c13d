import type { Boxes, Size } from '../../core/boxes.js';
import type { BoxCoderConfig } from '../../core/box-coder.js';
import { decodeBoxes, decodeBoxesOfClass } from '../../core/box-coder.js';

/**
 * The regions of the next stage of a cascade: every box is moved by the deltas of one class and clipped to its image.
 *
 * @param boxes `[R, 4]`
 * @param deltas `[R, 4K]`, class-major, or `[R, 4]`
 * @param classIndices `int32 [R]`: whose deltas; not looked at where there is one set for all
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
