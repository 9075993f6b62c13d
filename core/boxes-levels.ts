import { numBoxes, type Boxes } from './boxes.js';

/** Smallest side in pixels of boxes on the second level (56 · 2); see {@link boxLevels}. */
const FINEST_SIDE_PX = 56;

/**
 * Assigns each box the pyramid level its features are pooled from: `clamp(⌊log2(√area / 56 + 1e-6)⌋, 0, numLevels - 1)`,
 * 0 being P2 (stride 4). Boxes without area go to level 0.
 *
 * @param boxes `[R, 4]`, pixels of the network's input
 * @param numLevels levels to choose from, 4 for P2 to P5
 * @returns `int32 [R]`, 0 … numLevels − 1
 * @throws ShapeError unless the length is a multiple of 4
 * @see Feature Pyramid Networks, equation 1: https://arxiv.org/abs/1612.03144
 */
export function boxLevels(boxes: Boxes, numLevels = 4): Int32Array {
  const f32 = Math.fround;
  const levels = new Int32Array(numBoxes('boxLevels', boxes));
  for (let i = 0, b = 0; i < levels.length; i++, b += 4) {
    const area = f32(f32(boxes[b + 2] - boxes[b]) * f32(boxes[b + 3] - boxes[b + 1]));
    const side = f32(Math.sqrt(area));
    const level = Math.floor(f32(Math.log2(f32(f32(side / FINEST_SIDE_PX) + f32(1e-6)))));
    // The comparison is written so that NaN (negative area) gives level 0.
    levels[i] = level > 0 ? Math.min(level, numLevels - 1) : 0;
  }
  return levels;
}
