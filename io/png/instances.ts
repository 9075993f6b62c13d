import { AnnotationsError } from '../../core/errors.js';
import type { Rle, XywhBox } from '../../core/rle.js';
import type { PngIndices } from './indices.js';

/** Pixels of one value of an instance mask. */
export interface MaskInstance {
  /** Value of the pixels. */
  readonly value: number;
  readonly areaPx: number;
  /** x, y, width, height in pixels. */
  readonly box: XywhBox;
  readonly mask: Rle;
}

/** Largest number of runs of pixels in an image. */
const MAX_RUNS = 2 ** 24;

interface Runs {
  readonly counts: number[];
  /** Position after the last run, column by column. */
  end: number;
  areaPx: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/**
 * Splits an image of instance ids into one mask per value; 0 is the background.
 *
 * @param file for messages
 * @returns the instances in ascending order of their values
 * @throws DataError for more than 16 million runs of pixels, which no outlines have
 */
export function maskInstances(
  { width, height, data }: PngIndices,
  file = 'image',
): readonly MaskInstance[] {
  let numRuns = 0;
  const found = new Map<number, Runs>();
  let last: Runs | undefined;
  let lastValue = 0;
  // In column-major order, like COCO's run lengths.
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0, p = x; y < height; y++, p += width, at++) {
      const value = data[p];
      if (value === 0) continue;
      if (value !== lastValue || last === undefined) {
        last = found.get(value);
        if (!last) {
          last = { counts: [at, 0], end: at, areaPx: 0, x1: x, y1: y, x2: x, y2: y };
          found.set(value, last);
        }
        lastValue = value;
      }
      if (last.end !== at) {
        last.counts.push(at - last.end, 0);
        if (++numRuns > MAX_RUNS)
          throw AnnotationsError.in(
            file,
            `expected instances of at most ${MAX_RUNS} runs of pixels in all, got more (noise?)`,
          );
      }
      last.counts[last.counts.length - 1]++;
      last.end = at + 1;
      last.areaPx++;
      last.x2 = x;
      if (y < last.y1) last.y1 = y;
      if (y > last.y2) last.y2 = y;
    }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([value, { counts, end, areaPx, x1, y1, x2, y2 }]) => {
      const rest = width * height - end;
      const runs = Uint32Array.from(rest > 0 ? [...counts, rest] : counts);
      const box = [x1, y1, x2 - x1 + 1, y2 - y1 + 1] as const;
      return { value, areaPx, box, mask: { height, width, counts: runs } };
    });
}
