import type { AnnotatedImage, AnnotatedObject } from '../../core/annotated-image.js';
import { joinContours, maskOutline } from '../../core/mask-outline.js';

/** Options of {@link yoloText}. */
export interface YoloTextOptions {
  /** Whether to write outlines of masks, if any, instead of boxes. */
  readonly masks?: boolean | undefined;
  /** Whether to append the score to lines of boxes. */
  readonly scores?: boolean | undefined;
}

/** Sides up to which six decimals are a hundredth of a pixel with a wide margin. */
const FINE_SIDE_PX = 4096;

/**
 * Formats a YOLO label file, with positions relative to the image size: `class cx cy w h` for every object, or `class x1
 * y1 x2 y2 …` with masks, in images with any mask also of boxes, as four corners. A mask with several parts or holes is one line, joined as in {@link joinContours}.
 *
 * @returns lines, each with its end; empty without objects
 */
export function yoloText(
  { width, height, objects }: AnnotatedImage,
  { masks = false, scores = false }: YoloTextOptions = {},
): string {
  const decimals = Math.max(width, height) > FINE_SIDE_PX ? 9 : 6;
  const part = (value: number, i: number): number =>
    Number((value / (i % 2 === 0 ? width : height)).toFixed(decimals));
  const outlines = objects.map(({ mask }) => (masks ? outlineOf(mask) : new Float64Array(0)));
  // Ultralytics refuses an image that has boxes beside polygons.
  const hasOutlines = outlines.some(({ length }) => length > 0);
  const lines = objects.map(({ classIndex, box: [x, y, w, h], score }, i) => {
    const corners = [x, y, x + w, y, x + w, y + h, x, y + h];
    const outline = hasOutlines && outlines[i].length === 0 ? corners : outlines[i];
    if (outline.length > 0) return [classIndex, ...Array.from(outline, part)];
    const shown = scores && score !== undefined ? [Number(score.toFixed(6))] : [];
    return [classIndex, ...[x + w / 2, y + h / 2, w, h].map(part), ...shown];
  });
  return lines.map((line) => `${line.map(plain).join(' ')}\n`).join('');
}

/** Numbers without an exponent, which some readers do not know. */
function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(9) : text;
}

function outlineOf(mask: AnnotatedObject['mask']): Float64Array {
  switch (mask.kind) {
    case 'none':
      return new Float64Array(0);
    case 'polygons':
      return joinContours(mask.polygons);
    case 'rle':
      return maskOutline(mask);
    default:
      return mask satisfies never;
  }
}
