import { maskOutline } from '../core/mask-outline.js';
import { expandMask, segmentsOf, type DetectResult, type SegmentResult } from '../core/results.js';

/** Options of {@link toYolo}. */
export interface ToYoloOptions {
  /** Whether to write outlines of masks, if any, instead of boxes. */
  readonly masks?: boolean | undefined;
  /** Whether to append the score to lines of boxes. */
  readonly scores?: boolean | undefined;
}

/**
 * Converts a result to the text of a YOLO label file, with positions relative to the image size: `class cx cy w h` for
 * every object, or `class x1 y1 x2 y2 …` with masks and for segmentation. A mask with several components or holes is one
 * line, joined as in {@link maskOutline}.
 *
 * @returns lines, each with its end; empty without objects
 */
export function toYolo(
  result: DetectResult | SegmentResult,
  { masks = false, scores = false }: ToYoloOptions = {},
): string {
  const { width, height } = result;
  const part = (value: number, i: number): string =>
    String(Number((value / (i % 2 === 0 ? width : height)).toFixed(6)));
  const lines =
    result.task === 'segment'
      ? segmentsOf(result).map(({ classIndex, mask }) => [
          classIndex,
          ...Array.from(maskOutline(expandMask(mask)), part),
        ])
      : result.objects.map(({ classIndex, box: [x, y, w, h], score, mask }) => {
          const outline = masks && mask ? maskOutline(expandMask(mask)) : [];
          if (outline.length > 0) return [classIndex, ...Array.from(outline, part)];
          const box = [x + w / 2, y + h / 2, w, h].map(part);
          return [classIndex, ...box, ...(scores ? [Number(score.toFixed(6))] : [])];
        });
  return lines.map((line) => `${line.join(' ')}\n`).join('');
}
