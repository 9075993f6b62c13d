import { boxPairIou, runIou } from '../../core/rle-iou.js';
import { cropRle } from '../../core/rle-crop.js';
import { commonRect, type Rect } from '../../core/rect.js';
import { mergeRles, rleArea, type Rle } from '../../core/rle.js';
import type { Size } from '../../core/boxes.js';
import { placeMask } from '../../datasets/annotations/place-mask.js';
import type { Prediction } from '../detect/prediction.js';
import { tilesOf, type TileGrid } from './grid.js';
import { Groups } from './groups.js';

/** Options of {@link mergeTiles}. */
interface MergeOptions {
  /**
   * Largest IoU of two views of different classes in what both tiles show, above which they are one object; default: none
   * are, as in COCO's protocol.
   */
  readonly acrossClassesIou?: number | undefined;
}

/** Least IoU of two views of an object in what both tiles show. */
const SAME_IOU = 0.5;
/** Least fraction of the smaller view inside the larger one, where the smaller one is cut off by a seam. */
const PART_COVER = 0.7;
/** Likewise if seams cut off both: boxes of the two ends of a slanting object share only a corner. */
const ENDS_COVER = 0.25;
/** Agreement in so many pixels counts half: where tiles share a narrow strip, ends of different objects are alike. */
const HALF_SURE_PX = 64;
/** A box this near to a seam is cut off by it: pixels, and fraction of the tile's side. */
const TOUCH_PX = 2;
const TOUCH_FRACTION = 1 / 128;

/** One detection of a tile: a view of an object that other tiles may show, too. */
interface View {
  readonly tile: Rect;
  readonly tileIndex: number;
  /** x, y, width, height in pixels of the picture, prolonged across the seams that cut it off. */
  readonly reach: readonly number[];
  /** `[x1, y1, x2, y2]` in pixels of the picture. */
  readonly box: readonly number[];
  readonly score: number;
  readonly classIndex: number;
  /** Mask of the tile's size. */
  readonly mask: Rle | undefined;
  /** Whether a seam cuts it off. */
  readonly isCut: boolean;
}

/** Two views that may be of one object. */
interface Pair {
  readonly a: number;
  readonly b: number;
  /** Pairs of one class come first. */
  readonly isOneClass: boolean;
  /** IoU in what both tiles show, less if that is small. */
  readonly agreement: number;
}

/**
 * Merges the detections of overlapping tiles to those of the picture. Views of two tiles are of one object if they agree
 * in what both tiles show: by the IoU there of their masks or boxes, or because one is cut off by a seam and lies inside
 * of the other. The strongest agreement comes first, and an object has at most one view in a tile, because a tile has
 * suppressed its own duplicates. An object has the box and mask of its best whole view, or the union of its parts if no
 * tile shows all of it, and its highest score.
 *
 * @param detections of each tile, in pixels of the tile, in the order of {@link tilesOf}
 * @returns detections in pixels of the picture, highest score first
 */
export function mergeTiles(
  detections: readonly Prediction[],
  grid: TileGrid,
  picture: Size,
  { acrossClassesIou }: MergeOptions = {},
): Prediction {
  const tiles = tilesOf(grid);
  const views: View[] = [];
  const firstOf = tiles.map((tile, t) => {
    const first = views.length;
    views.push(...viewsOf(detections[t], tile, t, picture));
    return first;
  });
  const viewsIn = (t: number): readonly number[] => {
    const end = firstOf[t + 1] ?? views.length;
    return Array.from({ length: end - firstOf[t] }, (_, i) => firstOf[t] + i);
  };
  const pairs: Pair[] = [];
  for (const [s, t] of neighbors(grid))
    for (const a of viewsIn(s))
      for (const b of viewsIn(t)) {
        const pair = compare(views[a], views[b], acrossClassesIou);
        if (pair) pairs.push({ a, b, ...pair });
      }
  pairs.sort(
    (p, q) =>
      Number(q.isOneClass) - Number(p.isOneClass) ||
      q.agreement - p.agreement ||
      p.a - q.a ||
      p.b - q.b,
  );
  const groups = new Groups(views.map(({ tileIndex }) => tileIndex));
  for (const { a, b } of pairs) groups.join(a, b);
  const objects = groups.lists().map((members) => objectOf(members.map((i) => views[i])));
  objects.sort((a, b) => b.score - a.score);
  const hasMasks = objects.some(({ parts }) => parts[0].mask);
  return {
    boxes: Float32Array.from(objects.flatMap(({ box }) => box)),
    scores: Float32Array.from(objects, ({ score }) => score),
    classIndices: Int32Array.from(objects, ({ classIndex }) => classIndex),
    masks: hasMasks ? objects.map(({ parts }) => unionOf(parts, picture)) : [],
  };
}

function viewsOf(
  { boxes, scores, classIndices, masks }: Prediction,
  tile: Rect,
  tileIndex: number,
  picture: Size,
): readonly View[] {
  const [right, bottom] = [tile.x + tile.width, tile.y + tile.height];
  const touch = Math.max(TOUCH_PX, TOUCH_FRACTION * Math.max(tile.width, tile.height));
  return Array.from(scores, (score, d): View => {
    const [left, top] = [boxes[4 * d] + tile.x, boxes[4 * d + 1] + tile.y];
    const box = [left, top, boxes[4 * d + 2] + tile.x, boxes[4 * d + 3] + tile.y];
    const cut = [
      tile.x > 0 && box[0] <= tile.x + touch,
      tile.y > 0 && box[1] <= tile.y + touch,
      right < picture.width && box[2] >= right - touch,
      bottom < picture.height && box[3] >= bottom - touch,
    ];
    const [x1, y1] = [cut[0] ? tile.x - 1 : box[0], cut[1] ? tile.y - 1 : box[1]];
    const [x2, y2] = [cut[2] ? right + 1 : box[2], cut[3] ? bottom + 1 : box[3]];
    return {
      tile,
      tileIndex,
      box,
      score,
      reach: [x1, y1, x2 - x1, y2 - y1],
      classIndex: classIndices[d],
      mask: masks.at(d),
      isCut: cut.includes(true),
    };
  });
}

/** Pairs of tiles that share pixels or a seam. */
function* neighbors({
  tops,
  lefts,
  width,
  height,
}: TileGrid): Generator<readonly [number, number]> {
  const meet = (starts: readonly number[], i: number, j: number, side: number): boolean =>
    j < starts.length && starts[j] <= starts[i] + side;
  for (let r = 0; r < tops.length; r++)
    for (let c = 0; c < lefts.length; c++)
      for (let s = r; meet(tops, r, s, height); s++) {
        const own = r * lefts.length + c;
        for (let d = s === r ? c + 1 : 0; d < lefts.length; d++)
          if (meet(lefts, Math.min(c, d), Math.max(c, d), width)) yield [own, s * lefts.length + d];
      }
}

/** Decides whether two views of different tiles may be of one object; undefined if not. */
function compare(
  a: View,
  b: View,
  acrossClassesIou: number | undefined,
): Pick<Pair, 'isOneClass' | 'agreement'> | undefined {
  const isOneClass = a.classIndex === b.classIndex;
  if (!isOneClass && acrossClassesIou === undefined) return undefined;
  const shown = commonRect(a.tile, b.tile);
  const region = atLeastTwo(shown);
  const [boxA, boxB] = [clipped(a.reach, region), clipped(b.reach, region)];
  if (!boxA || !boxB) return undefined;
  const boxIou = boxPairIou(boxA, 0, boxB, 0);
  const [areaA, areaB] = [boxA[2] * boxA[3], boxB[2] * boxB[3]];
  const union = (areaA + areaB) / (1 + boxIou);
  const sure = union / (union + HALF_SURE_PX);
  if (!isOneClass) {
    const isSame = acrossClassesIou !== undefined && boxIou > acrossClassesIou;
    return isSame ? { isOneClass, agreement: boxIou * sure } : undefined;
  }
  if (boxIou === 0) return undefined;
  const masks = maskOverlap(a, b, shown);
  const iou = masks?.iou ?? boxIou;
  const pair = { isOneClass, agreement: iou * sure };
  if (Math.max(iou, boxIou) >= SAME_IOU) return pair;
  const isPart = areaA <= areaB ? a.isCut : b.isCut;
  const cover = masks?.cover ?? (boxIou * union) / Math.min(areaA, areaB);
  const least = a.isCut && b.isCut ? ENDS_COVER : PART_COVER;
  return isPart && cover >= least ? pair : undefined;
}

/** Region of two tiles, at least two pixels wide and high around a seam, so that parts of tiles without overlap meet. */
function atLeastTwo({ x, y, width, height }: Rect): Rect {
  const [padX, padY] = [Math.max(0, 2 - width) / 2, Math.max(0, 2 - height) / 2];
  return { x: x - padX, y: y - padY, width: width + 2 * padX, height: height + 2 * padY };
}

/** Part of a box, x, y, width, height, in a region; undefined if there is none. */
function clipped(box: readonly number[], region: Rect): readonly number[] | undefined {
  const [x, y, width, height] = box;
  const part = commonRect({ x, y, width, height }, region);
  return part.width > 0 && part.height > 0 ? [part.x, part.y, part.width, part.height] : undefined;
}

/** IoU of two masks in what both tiles show, and the fraction of the smaller one in the other; undefined without. */
function maskOverlap(
  a: View,
  b: View,
  shown: Rect,
): { readonly iou: number; readonly cover: number } | undefined {
  if (!a.mask || !b.mask || !(shown.width > 0 && shown.height > 0)) return undefined;
  const [own, other] = [a, b].map(({ mask, tile }) =>
    cropRle(mask!, { ...shown, x: shown.x - tile.x, y: shown.y - tile.y }),
  );
  const [areaA, areaB] = [rleArea(own), rleArea(other)];
  if (areaA === 0 || areaB === 0) return undefined;
  const iou = runIou(own.counts, other.counts, false);
  return { iou, cover: (iou * (areaA + areaB)) / (1 + iou) / Math.min(areaA, areaB) };
}

/** Object of views: that of the best whole one, or all parts of the best one's class. */
function objectOf(views: readonly View[]): {
  readonly box: readonly number[];
  readonly score: number;
  readonly classIndex: number;
  readonly parts: readonly View[];
} {
  const whole = views.filter(({ isCut }) => !isCut);
  const best = (whole.length > 0 ? whole : views).reduce((a, b) => (b.score > a.score ? b : a));
  const { classIndex } = best;
  const own = views.filter((view) => view.classIndex === classIndex);
  const parts = whole.length > 0 ? [best] : own;
  const side = (k: number): readonly number[] => parts.map(({ box }) => box[k]);
  return {
    box: [
      ...[Math.min(...side(0)), Math.min(...side(1))],
      ...[Math.max(...side(2)), Math.max(...side(3))],
    ],
    score: own.reduce((most, { score }) => Math.max(most, score), 0),
    classIndex,
    parts,
  };
}

function unionOf(parts: readonly View[], picture: Size): Rle {
  const placed = parts.map(({ mask, tile }) => placeMask(mask!, tile.x, tile.y, picture));
  return mergeRles(placed, 'union');
}
