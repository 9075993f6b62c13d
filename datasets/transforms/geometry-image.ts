import type { RgbImage } from '../../core/image.js';
import { resamplings, type GeometricStep, type Resampling } from './geometry.js';
import { resizeLinearCv } from './resize-cv.js';
import { scratchBytes } from './scratch.js';

/**
 * Applies geometric steps to an image, with OpenCV's bilinear resize; a resize and the following crop and flip are one
 * pass.
 *
 * @param image `[H, W, 3]`
 * @param out destination; default: a new array
 * @returns `[h, w, 3]`, see `sizeAfter`; the image itself if there is no step
 */
export function transformImage(
  image: RgbImage,
  steps: readonly GeometricStep[],
  out?: Uint8Array,
): RgbImage {
  const passes = resamplings(image, steps);
  return passes.reduce((current, pass, i) => {
    const length = pass.window.width * pass.window.height * 3;
    // Two alternating buffers: a pass must not write where it reads.
    const target =
      i === passes.length - 1
        ? (out ?? new Uint8Array(length))
        : scratchBytes(`geometry ${i % 2}`, length);
    const isResize = pass.size.width !== pass.from.width || pass.size.height !== pass.from.height;
    return isResize
      ? resizeLinearCv(current, { ...pass, out: target })
      : copyWindow(current, pass, target);
  }, image);
}

function copyWindow(
  { data, width }: RgbImage,
  { window, mirrored }: Resampling,
  out: Uint8Array,
): RgbImage {
  const rowBytes = window.width * 3;
  for (let y = 0; y < window.height; y++) {
    const start = ((window.y + y) * width + window.x) * 3;
    const o = y * rowBytes;
    if (!mirrored) {
      out.set(data.subarray(start, start + rowBytes), o);
      continue;
    }
    for (let x = 0, p = start + rowBytes - 3; x < rowBytes; x += 3, p -= 3) {
      out[o + x] = data[p];
      out[o + x + 1] = data[p + 1];
      out[o + x + 2] = data[p + 2];
    }
  }
  return {
    width: window.width,
    height: window.height,
    data: out.subarray(0, window.height * rowBytes),
  };
}
