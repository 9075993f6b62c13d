import type { Size } from '../core/boxes.js';
import { segmentResult, type ImageResult } from '../core/results.js';

/**
 * Converts the result of a large image to that of a reduced picture of it, to be drawn there: boxes are scaled, masks are
 * left out, and of labels every so many pixels are taken. A result of the picture's size is returned as it is.
 */
export function reducedResult<Result extends ImageResult>(result: Result, picture: Size): Result;
export function reducedResult(result: ImageResult, { width, height }: Size): ImageResult {
  if (result.width === width && result.height === height) return result;
  const [across, down] = [width / result.width, height / result.height];
  switch (result.task) {
    case 'classify':
      return { ...result, width, height };
    case 'detect': {
      const objects = result.objects.map(({ mask: _, box: [x, y, wide, high], ...object }) => ({
        ...object,
        box: [x * across, y * down, wide * across, high * down] as const,
      }));
      return { ...result, width, height, objects };
    }
    case 'segment': {
      const labels = new Uint8Array(width * height);
      for (let y = 0, at = 0; y < height; y++) {
        const row = Math.floor((y + 0.5) / down) * result.width;
        for (let x = 0; x < width; x++)
          labels[at++] = result.labels[row + Math.floor((x + 0.5) / across)];
      }
      return segmentResult({ ...result, width, height, labels });
    }
    default:
      return result satisfies never;
  }
}
