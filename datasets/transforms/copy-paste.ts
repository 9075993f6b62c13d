import type { Random } from '../../core/random.js';
import { rleBox, type Rle } from '../../core/rle.js';
import type { Segmentation } from '../../core/coco.js';
import type { Objects } from '../sample.js';
import type { RgbImage } from '../../core/image.js';
import { cutForeground, segmentationRuns } from './mask-grid.js';
import type { Size } from './rect.js';

/** An image and its objects, whose masks are in pixels of the image. */
export interface AnnotatedImage {
  readonly image: RgbImage;
  readonly objects: Objects;
}

/** A part of an image as a bitmap. */
interface Cutout extends Size {
  readonly left: number;
  readonly top: number;
  /** `[height, width]`, 0 or 1. */
  readonly bits: Uint8Array;
}

/** An object while others are pasted over it. */
interface Layer {
  /** What is still seen of it; of objects without a mask, of their box. */
  readonly seen: Cutout;
  readonly hasMask: boolean;
  /** Whether `box` and `segmentation` are no longer those of `seen`. */
  isChanged: boolean;
  readonly fullPx: number;
  visiblePx: number;
  readonly box: readonly number[];
  readonly classIndex: number;
  readonly id: number;
  readonly segmentation: Segmentation;
}

/** Places that are tried for an object before it is left out. */
const ATTEMPTS = 8;
/** What must stay visible of an object that others are pasted on, as a share of what was there at first. */
const MIN_VISIBLE = 0.5;

/**
 * Copy-paste: objects of other images are copied to random places of an image. What they cover is taken away from the masks there
 * and boxes shrink with them; an object that would hide more than half of another one is put elsewhere or left out, as are objects
 * that are larger than the image or have no mask.
 *
 * Ours: the original moves a whole jittered image's objects, keeps their places and only drops what is hidden entirely.
 *
 * @param target its pixels are overwritten
 * @param others images whose objects are pasted, all of them
 * @returns the image, with first its own objects
 * @throws DataError if run lengths have another size than their image
 * @see https://arxiv.org/abs/2012.07177
 */
export function copyPaste(
  { image, objects }: AnnotatedImage,
  others: readonly AnnotatedImage[],
  random: Random,
): AnnotatedImage {
  const layers = layersOf(objects, image);
  for (const other of others) {
    const donors = layersOf(other.objects, other.image).filter((donor) => donor.hasMask);
    for (const donor of donors) {
      const placed = findPlace(donor, image, layers, random);
      if (placed === undefined) continue;
      for (const layer of layers) cover(layer, placed.seen);
      paste(image, placed.seen, other.image, donor.seen);
      layers.push(placed);
    }
  }
  return { image, objects: objectsOf(layers, image) };
}

function layersOf(objects: Objects, size: Size): Layer[] {
  return objects.segmentations.map((segmentation, i) => {
    const box = Array.from(objects.boxes.subarray(4 * i, 4 * i + 4));
    const mask = segmentationRuns(segmentation, size);
    const seen = mask === undefined ? rectangle(box, size) : cutForeground(mask);
    const fullPx = seen.bits.reduce((sum, bit) => sum + bit, 0);
    return {
      seen,
      hasMask: mask !== undefined && fullPx > 0,
      isChanged: false,
      fullPx,
      visiblePx: fullPx,
      box,
      classIndex: objects.classIndices[i],
      id: objects.ids[i],
      segmentation,
    };
  });
}

/** The pixels of a box, which may reach beyond the image. */
function rectangle([x1, y1, x2, y2]: readonly number[], { width, height }: Size): Cutout {
  const left = Math.min(Math.max(Math.floor(x1), 0), width);
  const top = Math.min(Math.max(Math.floor(y1), 0), height);
  const w = Math.max(Math.min(Math.ceil(x2), width) - left, 0);
  const h = Math.max(Math.min(Math.ceil(y2), height) - top, 0);
  return { left, top, width: w, height: h, bits: new Uint8Array(w * h).fill(1) };
}

/** A donor, which is pasted once at most, at a place where it hides not too much of any other one, if such a place is found. */
function findPlace(
  donor: Layer,
  { width, height }: Size,
  layers: readonly Layer[],
  random: Random,
): Layer | undefined {
  const spare = { x: width - donor.seen.width, y: height - donor.seen.height };
  if (spare.x < 0 || spare.y < 0) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [left, top] = [random.integer(spare.x + 1), random.integer(spare.y + 1)];
    const seen = { ...donor.seen, left, top };
    const isFree = layers.every(
      (layer) => layer.visiblePx - overlapPx(layer.seen, seen) >= MIN_VISIBLE * layer.fullPx,
    );
    if (isFree) return { ...donor, seen, isChanged: true };
  }
  return undefined;
}

/** Calls `visit` for every pixel that is set in both, with its place in the first bitmap. */
function forEachCommon(a: Cutout, b: Cutout, visit: (at: number) => void): void {
  const left = Math.max(a.left, b.left);
  const right = Math.min(a.left + a.width, b.left + b.width);
  const bottom = Math.min(a.top + a.height, b.top + b.height);
  for (let y = Math.max(a.top, b.top); y < bottom; y++) {
    const rowA = (y - a.top) * a.width - a.left;
    const rowB = (y - b.top) * b.width - b.left;
    for (let x = left; x < right; x++)
      if (a.bits[rowA + x] === 1 && b.bits[rowB + x] === 1) visit(rowA + x);
  }
}

function overlapPx(a: Cutout, b: Cutout): number {
  let px = 0;
  forEachCommon(a, b, () => px++);
  return px;
}

/** Takes the pixels of `by` away from a layer. */
function cover(layer: Layer, by: Cutout): void {
  forEachCommon(layer.seen, by, (at) => {
    layer.seen.bits[at] = 0;
    layer.visiblePx--;
    layer.isChanged = true;
  });
}

function paste(image: RgbImage, to: Cutout, source: RgbImage, from: Cutout): void {
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++) {
      if (to.bits[y * to.width + x] === 0) continue;
      const at = ((to.top + y) * image.width + to.left + x) * 3;
      const sourceAt = ((from.top + y) * source.width + from.left + x) * 3;
      for (let c = 0; c < 3; c++) image.data[at + c] = source.data[sourceAt + c];
    }
}

/** Those that nothing was pasted on keep box and mask, the others get new ones. */
function objectsOf(layers: readonly Layer[], size: Size): Objects {
  const drawn = layers.map((layer) => {
    if (!layer.isChanged || !layer.hasMask) return layer;
    const mask = runsOf(layer.seen, size);
    const [x, y, w, h] = rleBox(mask);
    return { ...layer, box: [x, y, x + w, y + h], segmentation: { kind: 'rle', ...mask } as const };
  });
  return {
    boxes: Float32Array.from(drawn.flatMap(({ box }) => box)),
    classIndices: Int32Array.from(drawn, ({ classIndex }) => classIndex),
    segmentations: drawn.map(({ segmentation }) => segmentation),
    ids: Float64Array.from(drawn, ({ id }) => id),
  };
}

/** A cutout as run lengths of the whole image. */
function runsOf({ left, top, width, height, bits }: Cutout, size: Size): Rle {
  const runs: number[] = [];
  let end = 0;
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      if (bits[y * width + x] === 0) continue;
      const at = (left + x) * size.height + top + y;
      if (at === end && runs.length > 0) runs[runs.length - 1]++;
      else runs.push(at - end, 1);
      end = at + 1;
    }
  const total = size.width * size.height;
  if (end < total) runs.push(total - end);
  return { height: size.height, width: size.width, counts: Uint32Array.from(runs) };
}
