import type { Random } from '../../core/random.js';
import { rleBox } from '../../core/rle.js';
import type { Segmentation } from '../../core/coco.js';
import type { Objects } from '../sample.js';
import type { RgbImage } from '../../core/image.js';
import { cutForeground, cutoutRuns, segmentationRuns, type Cutout } from './mask-grid.js';
import type { Size } from './rect.js';

/** An image and its objects, with masks in pixels of the image. */
export interface AnnotatedImage {
  readonly image: RgbImage;
  readonly objects: Objects;
  /** Crowds and other regions that are neither objects nor background. */
  readonly ignored?: Objects | undefined;
}

/** State of an object while others are pasted over it. */
interface Layer {
  /** Visible part of its mask, or of its box without a mask. */
  readonly seen: Cutout;
  /** Without a mask, the box stays as it is when others cover the object. */
  readonly hasMask: boolean;
  /** Whether `box` and `segmentation` of an object with a mask must be recomputed from `seen`. */
  isChanged: boolean;
  readonly fullPx: number;
  visiblePx: number;
  readonly box: readonly number[];
  readonly classIndex: number;
  readonly id: number;
  readonly segmentation: Segmentation;
  /** Border of its image that it touches, along each axis. */
  readonly borders: { readonly x: Border; readonly y: Border };
}

/** Border at the start or end of an axis; undefined: none, or both. */
type Border = 'start' | 'end' | undefined;

/** Number of positions tried before an object is left out. */
const ATTEMPTS = 8;
/** Smallest fraction of an object that must stay visible, relative to the initial mask. */
const MIN_VISIBLE = 0.5;
/** Largest fraction of a box without a mask that boxes of other objects cover: they would be pasted without labels. */
const MAX_SHARED = 0.1;

/**
 * Copy-paste: copies objects of other images to random positions of an image. Covered pixels are removed from the masks
 * there and boxes with masks shrink accordingly. An object that is cut off at a border of its image stays at that border, so that none
 * gets a straight edge that its class does not have. An object that would hide more than half of another one is moved or left out;
 * objects that are larger than the image are left out. An object without a mask is pasted with all that is in its box, unless
 * other objects take up more than a tenth of it.
 *
 * Differs from the original, which pastes the objects of a jittered image at their positions and drops only completely
 * hidden ones.
 *
 * @param target image whose pixels are overwritten
 * @param others images whose objects are pasted, all of them
 * @returns the image, its own objects first
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
    const all = layersOf(other.objects, other.image);
    const regions = other.ignored === undefined ? [] : layersOf(other.ignored, other.image);
    const donors = all.filter(
      (layer) => layer.fullPx > 0 && (layer.hasMask || !isShared(layer, [...all, ...regions])),
    );
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

/** Whether others take up more of a box than may be pasted without labels. */
function isShared(of: Layer, all: readonly Layer[]): boolean {
  const px = all.reduce(
    (sum, other) => sum + (other === of ? 0 : overlapPx(of.seen, other.seen)),
    0,
  );
  return px > MAX_SHARED * of.fullPx;
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
      borders: {
        x: borderOf(seen.left, seen.left + seen.width, size.width),
        y: borderOf(seen.top, seen.top + seen.height, size.height),
      },
    };
  });
}

function borderOf(start: number, end: number, length: number): Border {
  if (start <= 0 === end >= length) return undefined;
  return start <= 0 ? 'start' : 'end';
}

/** Pixels of a box, which may extend beyond the image. */
function rectangle([x1, y1, x2, y2]: readonly number[], { width, height }: Size): Cutout {
  const left = Math.min(Math.max(Math.floor(x1), 0), width);
  const top = Math.min(Math.max(Math.floor(y1), 0), height);
  const w = Math.max(Math.min(Math.ceil(x2), width) - left, 0);
  const h = Math.max(Math.min(Math.ceil(y2), height) - top, 0);
  return { left, top, width: w, height: h, bits: new Uint8Array(w * h).fill(1) };
}

/** Pastes a donor at most once, at a position where it does not hide too much of any object, if one is found. */
function findPlace(
  donor: Layer,
  { width, height }: Size,
  layers: readonly Layer[],
  random: Random,
): Layer | undefined {
  const spare = { x: width - donor.seen.width, y: height - donor.seen.height };
  if (spare.x < 0 || spare.y < 0) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const drawn = { x: random.integer(spare.x + 1), y: random.integer(spare.y + 1) };
    const at = (axis: 'x' | 'y'): number =>
      placeAlong(donor.borders[axis], spare[axis], drawn[axis]);
    const [left, top] = [at('x'), at('y')];
    const seen = { ...donor.seen, left, top };
    const isFree = layers.every(
      (layer) => layer.visiblePx - overlapPx(layer.seen, seen) >= MIN_VISIBLE * layer.fullPx,
    );
    if (!isFree) continue;
    return { ...donor, seen, box: movedBox(donor, seen), isChanged: true };
  }
  return undefined;
}

/** Box of a pasted object, without what lies outside of its image. */
function movedBox({ box, seen: from }: Layer, to: Cutout): readonly number[] {
  return box.map((value, i) => {
    const [start, size, moved] =
      i % 2 === 0 ? [from.left, from.width, to.left] : [from.top, from.height, to.top];
    return moved + Math.min(Math.max(value - start, 0), size);
  });
}

/** Place along an axis: an object that a border cuts off stays at that border. */
function placeAlong(border: Border, spare: number, drawn: number): number {
  if (border === undefined) return drawn;
  return border === 'start' ? 0 : spare;
}

/** Calls `visit` for every pixel that is set in both, with its index in the first bitmap. */
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

/** Removes the pixels of `by` from a layer. */
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

/** Uncovered objects keep box and mask, and those without a mask their box; others get new ones. */
function objectsOf(layers: readonly Layer[], size: Size): Objects {
  const drawn = layers.map((layer) => {
    if (!layer.isChanged || !layer.hasMask) return layer;
    const mask = cutoutRuns(layer.seen, size);
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
