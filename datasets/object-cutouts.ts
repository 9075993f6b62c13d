import { numBoxes, type Boxes } from '../core/boxes.js';
import type { RgbImage } from '../core/image.js';
import type { Random } from '../core/random.js';
import type { Objects } from './sample.js';
import { transformImage } from './transforms/geometry-image.js';
import type { Rect } from './transforms/rect.js';

/** Side of a cutout in longer sides of its object. */
const CONTEXT = 1.4;
/** Smallest side of a cutout in pixels of the file. */
const MIN_SIDE_PX = 8;
/** Largest overlap of a cutout of background with an object, as a fraction of the smaller one of both. */
const MOST_OVERLAP = 0.3;
/** Smallest cutout of background, in sides of that of the object. */
const SMALLEST_BACKGROUND = 0.3;
/** Number of positions tried for a cutout of background. */
const ATTEMPTS = 10;

/** A square picture of an object or of background. */
export interface Cutout {
  /** `[S, S, 3]` */
  readonly image: RgbImage;
  /** 0 … K − 1; K for background. */
  readonly classIndex: number;
}

/**
 * Cuts the objects out of an image, each with its surroundings, and one piece of background for every
 * `numClasses` objects, so that background is as frequent as a class. What extends beyond the image is left out, so that
 * cutouts at its border are stretched.
 */
export function cutOutObjects(
  image: RgbImage,
  { boxes, classIndices }: Pick<Objects, 'boxes' | 'classIndices'>,
  { size, numClasses, random }: CutoutOptions,
): readonly Cutout[] {
  const cutouts: Cutout[] = [];
  for (let o = 0; o < numBoxes('cutOutObjects', boxes); o++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * o, 4 * o + 4);
    const side = CONTEXT * Math.max(x2 - x1, y2 - y1, MIN_SIDE_PX / CONTEXT);
    const own = windowAt((x1 + x2) / 2, (y1 + y2) / 2, side, image);
    if (own) cutouts.push({ image: scaled(image, own, size), classIndex: classIndices[o] });
    if (!random.chance(1 / numClasses)) continue;
    const empty = emptyWindow(image, boxes, side, random);
    if (empty) cutouts.push({ image: scaled(image, empty, size), classIndex: numClasses });
  }
  return cutouts;
}

/** Options of {@link cutOutObjects}. */
interface CutoutOptions {
  /** Side of the cutouts in pixels, S. */
  readonly size: number;
  /** K */
  readonly numClasses: number;
  readonly random: Random;
}

/** Square around a point, clipped to the image; undefined if hardly anything remains. */
function windowAt(
  x: number,
  y: number,
  side: number,
  { width, height }: RgbImage,
): Rect | undefined {
  const clip = (at: number, end: number): number => Math.min(Math.max(Math.round(at), 0), end);
  const [left, top] = [clip(x - side / 2, width), clip(y - side / 2, height)];
  const rect = {
    x: left,
    y: top,
    width: clip(x + side / 2, width) - left,
    height: clip(y + side / 2, height) - top,
  };
  return Math.min(rect.width, rect.height) < MIN_SIDE_PX / 2 ? undefined : rect;
}

/** Window without much of an object. */
function emptyWindow(
  image: RgbImage,
  boxes: Boxes,
  side: number,
  random: Random,
): Rect | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [x, y] = [random.between(0, image.width), random.between(0, image.height)];
    // Smaller ones too: beside an object that fills its picture there is no room for another of its size.
    const rect = windowAt(x, y, side * random.between(SMALLEST_BACKGROUND, 1), image);
    if (rect && !overlapsObject(rect, boxes)) return rect;
  }
  return undefined;
}

function overlapsObject({ x, y, width, height }: Rect, boxes: Boxes): boolean {
  for (let at = 0; at < boxes.length; at += 4) {
    const [x1, y1, x2, y2] = boxes.subarray(at, at + 4);
    const [w, h] = [
      Math.min(x2, x + width) - Math.max(x1, x),
      Math.min(y2, y + height) - Math.max(y1, y),
    ];
    const smaller = Math.min((x2 - x1) * (y2 - y1), width * height);
    if (w > 0 && h > 0 && w * h > MOST_OVERLAP * smaller) return true;
  }
  return false;
}

function scaled(image: RgbImage, window: Rect, size: number): RgbImage {
  return transformImage(image, [
    { kind: 'crop', window },
    { kind: 'resize', size: { width: size, height: size } },
  ]);
}
