import { ShapeError } from '../../core/errors.js';
import type { Rle } from '../../core/rle.js';
import { classColor, textColorOn } from './colors.js';
import { drawMask } from './masks.js';
import type { Picture, Rectangle, Rgb } from './picture.js';
import { enlargePicture, fillRectangle, strokeRectangle } from './picture.js';
import { readingFactor, sizesFor } from './sizes.js';
import { placeTags } from './tags.js';
import { CAP_HEIGHT, drawableName, drawText, shortenText, textWidth } from './text.js';

/** One object to draw. */
export interface DrawnDetection {
  /** `[x1, y1, x2, y2]`, pixels. */
  readonly box: ArrayLike<number>;
  readonly classIndex: number;
  /** Name of the class. */
  readonly label: string;
  /** 0–1; undefined for ground truth. */
  readonly score?: number | undefined;
  /** Mask of the picture's size. */
  readonly mask?: Rle | undefined;
}

/** Opacity of the inside of masks. */
const MASK_OPACITY = 0.42;
const HALO: Rgb = [0, 0, 0];

/**
 * Draws detections on a picture: masks with contours, boxes, and tags with class and score. Large objects come first, so
 * that small ones are on top; tags come last and avoid each other, those of high scores first. Colors identify classes;
 * line width and text scale with the picture, and small pictures are upscaled (see `readingFactor`).
 *
 * @returns a new picture, larger than the given one by a whole factor
 * @throws ShapeError for a mask of another size
 */
export function drawDetections(picture: Picture, detections: readonly DrawnDetection[]): Picture {
  for (const { mask, label } of detections) {
    if (mask && (mask.width !== picture.width || mask.height !== picture.height))
      throw new ShapeError(
        `drawDetections: expected masks of ${picture.width}x${picture.height}, got ${mask.width}x${mask.height} of ${label}`,
      );
  }
  const factor = readingFactor(picture);
  const canvas = enlargePicture(picture, factor);
  const { linePx, fontPx } = sizesFor(canvas);
  const bySize = detections
    .map((detection) => ({ detection, box: rectangleOf(detection.box, factor) }))
    .sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
  for (const { detection, box } of bySize) {
    const color = classColor(detection.classIndex);
    if (detection.mask)
      drawMask(canvas, detection.mask, factor, { color, opacity: MASK_OPACITY, linePx });
    drawBox(canvas, box, color, detection.mask ? 0.75 * linePx : linePx);
  }
  const byScore = [...bySize].sort((a, b) => (b.detection.score ?? 1) - (a.detection.score ?? 1));
  drawTags(canvas, byScore, fontPx * crowdFactor(detections.length));
  return canvas;
}

/** Text is smaller if there are many tags. */
function crowdFactor(numDetections: number): number {
  return Math.min(1, Math.max(0.75, 1.1 - 0.01 * numDetections));
}

function rectangleOf(box: ArrayLike<number>, factor: number): Rectangle {
  const [x, y] = [box[0] * factor, box[1] * factor];
  return { x, y, width: box[2] * factor - x, height: box[3] * factor - y };
}

/** Draws a box with a faint dark rim, visible on any background. */
function drawBox(canvas: Picture, box: Rectangle, color: Rgb, linePx: number): void {
  const radiusPx = 1.5 * linePx;
  strokeRectangle(canvas, box, { color: HALO, alpha: 0.35, radiusPx, widthPx: linePx + 2 });
  strokeRectangle(canvas, box, { color, alpha: 0.95, radiusPx, widthPx: linePx });
}

function drawTags(
  canvas: Picture,
  items: readonly { readonly detection: DrawnDetection; readonly box: Rectangle }[],
  fontPx: number,
): void {
  const padding = Math.round(0.32 * fontPx);
  const height = Math.round(CAP_HEIGHT * fontPx) + 2 * padding;
  const texts = items.map(({ detection: { label, classIndex, score } }) => {
    const name = drawableName(label, classIndex);
    const text = score === undefined ? name : `${name} ${(100 * score).toFixed(0)}%`;
    return shortenText(text, fontPx, canvas.width - 2 * padding);
  });
  const places = placeTags(
    items.map(({ box }, i) => ({
      width: Math.ceil(textWidth(texts[i], fontPx)) + 2 * padding,
      height,
      box,
    })),
    canvas,
  );
  // The best one is drawn last, so that it stays complete if tags overlap.
  for (let i = items.length - 1; i >= 0; i--) {
    const color = classColor(items[i].detection.classIndex);
    const { x, y } = places[i];
    fillRectangle(canvas, places[i], { color, alpha: 0.94, radiusPx: 0.2 * fontPx });
    const baseline = { x: x + padding, y: y + height - padding };
    drawText(canvas, texts[i], baseline, { sizePx: fontPx, color: textColorOn(color) });
  }
}
