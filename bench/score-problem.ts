import { closeSync, openSync, writeFileSync } from 'node:fs';
import { extentOf } from '../core/boxes.js';
import { rleFromPolygons } from '../core/rle-polygons.js';
import { rleToString } from '../core/rle-string.js';
import { mergeRles, rleArea, rleBox } from '../core/rle.js';

/**
 * A COCO evaluation problem of val2017 size generated with integer arithmetic, so any program can reproduce it bit for
 * bit: polygons and crowds over 80 categories and exactly 100 detections per image.
 *
 * The order of the draws and of the arithmetic is part of the definition.
 */

type Draw = () => number;

interface ImageSize {
  readonly id: number;
  readonly width: number;
  readonly height: number;
}

interface GroundTruth {
  readonly categoryIndex: number;
  readonly polygons: readonly (readonly number[])[];
  readonly box: readonly number[];
}

const VERTEX_COUNTS = [6, 8, 12, 16, 24, 48];
const SKIPPED_IDS = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);
const CATEGORY_IDS = Array.from({ length: 90 }, (_, i) => i + 1).filter(
  (id) => !SKIPPED_IDS.has(id),
);
const DIRECTIONS = Array.from({ length: 48 }, (_, i) => {
  const angle = (2 * Math.PI * i) / 48;
  return [microRound(Math.cos(angle)), microRound(Math.sin(angle))] as const;
});

/** A string for each file of a problem: its path or its SHA-256. */
export interface ProblemFiles {
  readonly gt: string;
  readonly boxes: string;
  readonly masks: string;
}

/**
 * Results of the reference generator and evaluator by number of images, as in `score-recorded.json`: SHA-256 of the
 * files, and the 12 numbers.
 */
export type RecordedScores = Readonly<
  Record<
    number,
    | (ProblemFiles & {
        readonly boxStats: readonly number[];
        readonly maskStats: readonly number[];
      })
    | undefined
  >
>;

/** Writes the ground truth and the detections of `numImages` images, as boxes and as masks. */
export function writeScoreProblem(numImages: number, files: ProblemFiles): void {
  const images = makeImages(numImages);
  const [gt, boxes, masks] = [files.gt, files.boxes, files.masks].map((path) =>
    openSync(path, 'w'),
  );
  const groundTruthsOfImage = writeGroundTruth(gt, images);
  images.forEach((image, k) => {
    const lists = detections(image, k, groundTruthsOfImage[k]);
    const comma = k > 0 ? ',' : '[';
    writeFileSync(boxes, comma + lists.boxes.join(','));
    writeFileSync(masks, comma + lists.masks.join(','));
  });
  for (const file of [boxes, masks]) writeFileSync(file, ']');
  for (const file of [gt, boxes, masks]) closeSync(file);
}

function makeImages(numImages: number): ImageSize[] {
  const draw = mulberry32(1);
  return Array.from({ length: numImages }, (_, k) => {
    const u = draw();
    const [width, height] =
      u < 0.6 ? [640, 480] : u < 0.75 ? [480, 640] : u < 0.95 ? [640, 427] : [500, 375];
    return { id: 139 + 113 * k, width, height };
  });
}

function writeGroundTruth(file: number, images: readonly ImageSize[]): GroundTruth[][] {
  const fraction = images.length / 5000;
  const numPolygons = Math.round(36335 * fraction);
  const numCrowds = Math.round(446 * fraction);
  const numUsed = Math.round(4952 * fraction);
  const imageRecords = images.map(({ id, width, height }) => ({
    id,
    width,
    height,
    file_name: `${String(id).padStart(12, '0')}.jpg`,
  }));
  const categories = CATEGORY_IDS.map((id, index) => ({
    id,
    name: `category-${index}`,
    supercategory: 's',
  }));
  const head = {
    info: { description: 'synthetic' },
    licenses: [],
    images: imageRecords,
    categories,
  };
  writeFileSync(file, `${JSON.stringify(head).slice(0, -1)},"annotations":[`);
  const groundTruthsOfImage: GroundTruth[][] = images.map(() => []);
  const draw = mulberry32(2);
  for (let g = 0; g < numPolygons; g++) {
    let image = g;
    if (g >= numUsed) {
      const u = draw();
      image = Math.floor(numUsed * (u * (0.25 + 0.75 * u)));
    }
    const { id, width, height } = images[image];
    const categoryIndex = drawCategory(draw);
    const polygons = [drawBlob(draw, width, height)];
    if (draw() < 0.08) polygons.push(drawBlob(draw, width, height));
    const box = extent(polygons);
    groundTruthsOfImage[image].push({ categoryIndex, polygons, box });
    const record = {
      id: 900001 + 7 * g,
      image_id: id,
      category_id: CATEGORY_IDS[categoryIndex],
      iscrowd: 0,
      area: Math.floor(polygons.reduce((sum, p) => sum + shoelace(p), 0) * 10000 + 0.5) / 10000,
      bbox: box,
      segmentation: polygons,
    };
    writeFileSync(file, (g > 0 ? ',' : '') + JSON.stringify(record));
  }
  writeCrowds(file, images, { numPolygons, numCrowds, numUsed });
  writeFileSync(file, ']}');
  return groundTruthsOfImage;
}

function writeCrowds(
  file: number,
  images: readonly ImageSize[],
  counts: { readonly numPolygons: number; readonly numCrowds: number; readonly numUsed: number },
): void {
  const draw = mulberry32(3);
  for (let c = 0; c < counts.numCrowds; c++) {
    const { id, width, height } = images[Math.floor(counts.numUsed * draw())];
    const categoryIndex = drawCategory(draw);
    const parts = [0, 1, 2].map(() =>
      rleFromPolygons([drawBlob(draw, width, height)], height, width),
    );
    const rle = mergeRles(parts, 'union');
    const record = {
      id: 900001 + 7 * (counts.numPolygons + c),
      image_id: id,
      category_id: CATEGORY_IDS[categoryIndex],
      iscrowd: 1,
      area: rleArea(rle),
      bbox: rleBox(rle),
      segmentation: { size: [height, width], counts: [...rle.counts] },
    };
    writeFileSync(file, `,${JSON.stringify(record)}`);
  }
}

function detections(
  { id, width, height }: ImageSize,
  k: number,
  groundTruths: readonly GroundTruth[],
): { boxes: string[]; masks: string[] } {
  const draw = mulberry32(Math.imul(k + 1, 0x9e3779b1));
  const boxes: string[] = [];
  const masks: string[] = [];
  for (let i = 0; i < 100; i++) {
    let polygons: (readonly number[])[];
    let categoryIndex: number;
    let raw: number;
    if (groundTruths.length > 0 && draw() < 0.5) {
      const groundTruth = groundTruths[Math.floor(draw() * groundTruths.length)];
      let q = draw();
      q = q * q * 0.5;
      polygons = jitter(draw, q, groundTruth, width, height);
      categoryIndex = draw() < 0.85 ? groundTruth.categoryIndex : drawCategory(draw);
      raw = draw() * (1 - q);
    } else {
      polygons = [drawBlob(draw, width, height)];
      categoryIndex = drawCategory(draw);
      const a = draw();
      raw = a * draw() * 0.6;
    }
    const score = (1 + Math.floor(raw * 99998)) / 100000;
    const head = { image_id: id, category_id: CATEGORY_IDS[categoryIndex] };
    boxes.push(JSON.stringify({ ...head, bbox: extent(polygons), score }));
    const counts = rleToString(rleFromPolygons(polygons, height, width));
    masks.push(JSON.stringify({ ...head, segmentation: { size: [height, width], counts }, score }));
  }
  return { boxes, masks };
}

/** Copies a ground truth's polygons, scaled and shifted by up to `q`. */
function jitter(
  draw: Draw,
  q: number,
  groundTruth: GroundTruth,
  width: number,
  height: number,
): (readonly number[])[] {
  const [bx, by, bw, bh] = groundTruth.box;
  const sx = 1 + q * (draw() - 0.5);
  const sy = 1 + q * (draw() - 0.5);
  const ox = q * bw * (draw() - 0.5);
  const oy = q * bh * (draw() - 0.5);
  const cx = bx + bw / 2;
  const cy = by + bh / 2;
  return groundTruth.polygons.map((polygon) =>
    polygon.map((v, at) =>
      at % 2 === 0
        ? centRound(clamp(cx + (v - cx) * sx + ox, width))
        : centRound(clamp(cy + (v - cy) * sy + oy, height)),
    ),
  );
}

function drawCategory(draw: Draw): number {
  if (draw() < 0.3) return 0;
  const v = draw();
  return 1 + Math.floor(79 * v * v);
}

function drawBlob(draw: Draw, width: number, height: number): number[] {
  const u = draw();
  const q = u * u;
  const radius = 4 + 40 * u + 120 * q * q;
  const numVertices = VERTEX_COUNTS[Math.floor(6 * draw())];
  const cx = draw() * width;
  const cy = draw() * height;
  const elongation = 0.5 + draw();
  const step = 48 / numVertices;
  const polygon: number[] = [];
  for (let i = 0; i < numVertices; i++) {
    const k = 0.6 + 0.5 * draw();
    const [dx, dy] = DIRECTIONS[i * step];
    polygon.push(
      centRound(clamp(cx + radius * elongation * k * dx, width)),
      centRound(clamp(cy + radius * k * dy, height)),
    );
  }
  return polygon;
}

function extent(polygons: readonly (readonly number[])[]): number[] {
  const [x1, y1, x2, y2] = extentOf(polygons);
  return [x1, y1, centRound(x2 - x1), centRound(y2 - y1)];
}

function shoelace(polygon: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    sum += polygon[i] * polygon[j + 1] - polygon[j] * polygon[i + 1];
  }
  return Math.abs(sum) / 2;
}

function mulberry32(seed: number): Draw {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function clamp(x: number, high: number): number {
  return Math.min(Math.max(x, 0), high);
}

function centRound(x: number): number {
  return Math.floor(x * 100 + 0.5) / 100;
}

function microRound(x: number): number {
  return Math.floor(x * 1e6 + 0.5) / 1e6;
}
