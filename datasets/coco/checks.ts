import { quote } from '../../core/errors.js';
import { boxOf, type CocoTables } from '../../io/coco/annotations.js';
import { placeOf } from '../../io/coco/issues.js';
import type { ProblemLog, ReportProblem } from '../problems.js';
import { staysInside } from './image-path.js';
import { annotationProblem, COCO_PROBLEMS as PROBLEMS, imageProblem } from './problem-kinds.js';
import { MIN_IMAGE_SIDE_PX, skipReason } from './training-rules.js';

/** Tolerance at the border, because coordinates have two decimals. */
const TOLERANCE_PX = 0.05;
/** Smallest IoU of a box with the bounding box of its mask; below it one of them is wrong. */
const MIN_BOX_MASK_IOU = 0.5;
/** Tiny objects differ because of rounding alone. */
const MIN_BOX_MASK_DISTANCE_PX = 2;

/**
 * Checks the references between the records of a file, and whether their values are plausible.
 *
 * @returns `[A]` the index of each annotation's image, −1 if it is not listed
 */
export function checkCocoTables(tables: CocoTables, log: ProblemLog): Int32Array {
  checkImages(tables, log);
  checkCategories(tables, log);
  return checkAnnotations(tables, log);
}

function checkImages(tables: CocoTables, log: ProblemLog): void {
  const { images } = tables;
  const reporter =
    (i: number): ReportProblem =>
    (kind, message) =>
      log.add(kind, imageProblem(tables, i, message));
  reportDuplicates(images.ids, (i) =>
    reporter(i)(
      PROBLEMS.duplicateId,
      'expected an id of its own, got one that an earlier image has',
    ),
  );
  const names = new Set<string>();
  images.fileNames.forEach((name, i) => {
    const [width, height] = [images.widths[i], images.heights[i]];
    const report = reporter(i);
    if (!staysInside(name))
      report(
        PROBLEMS.fileName,
        `file_name: expected a path inside the image folder${ownName(name)}, got ${quote(name)}`,
      );
    if (names.has(name))
      report(
        PROBLEMS.duplicateFile,
        `file_name: expected one entry a file, got ${quote(name)} again`,
      );
    names.add(name);
    if (Math.min(width, height) < MIN_IMAGE_SIDE_PX)
      report(
        PROBLEMS.imageSmall,
        `expected sides of ${MIN_IMAGE_SIDE_PX} px or more, got ${width}x${height}`,
      );
  });
}

/** The last part of a path of another machine, as a remedy: `, such as "a.jpg"`. */
function ownName(path: string): string {
  const name =
    path
      .replaceAll('\\', '/')
      .replace(/[?#].*$/, '')
      .split('/')
      .at(-1) ?? '';
  return staysInside(name) && name !== path ? `, such as ${quote(name)}` : '';
}

function checkCategories({ file, categories }: CocoTables, log: ProblemLog): void {
  const ids = Float64Array.from(categories, ({ id }) => id);
  reportDuplicates(ids, (i) =>
    log.add(PROBLEMS.duplicateId, {
      file,
      message: `${placeOf('categories', i, ids[i])}: expected an id of its own, got one that an earlier category has`,
      id: ids[i],
    }),
  );
  const names = new Set<string>();
  categories.forEach(({ id, name }, i) => {
    if (names.has(name))
      log.add(PROBLEMS.duplicateName, {
        file,
        message: `${placeOf('categories', i, id)}: expected a name of its own, got ${quote(name)} again`,
        id,
      });
    names.add(name);
  });
}

function checkAnnotations(tables: CocoTables, log: ProblemLog): Int32Array {
  const { file, images, categories, annotations, rejected } = tables;
  const isRejected = (table: 'images' | 'categories', id: number): boolean =>
    rejected !== undefined &&
    (rejected.unreadable.has(table) ||
      (table === 'images' ? rejected.imageIds : rejected.categoryIds).has(id));
  const hasUnreadable = rejected?.unreadable.has('annotations') ?? false;
  const imageOf = new Map<number, number>();
  images.ids.forEach((id, i) => imageOf.set(id, i));
  const categoryOf = new Map(categories.map((category) => [category.id, category]));
  const imageIndices = new Int32Array(annotations.ids.length).fill(-1); // [A]
  const annotated = new Uint8Array(images.ids.length); // [N]
  const used = new Set<number>();
  const reporter =
    (a: number): ReportProblem =>
    (kind, message) =>
      log.add(kind, annotationProblem(tables, a, message));
  reportDuplicates(annotations.ids, (a) =>
    reporter(a)(
      PROBLEMS.duplicateId,
      'expected an id of its own, got one that an earlier annotation has',
    ),
  );
  for (let a = 0; a < annotations.ids.length; a++) {
    const report = reporter(a);
    if (annotations.ids[a] === 0) report(PROBLEMS.idZero, 'expected an id other than 0, got 0');
    const categoryId = annotations.categoryIds[a];
    const category = categoryOf.get(categoryId);
    if (category) used.add(categoryId);
    else if (!isRejected('categories', categoryId))
      report(PROBLEMS.unknownCategory, `expected a known category_id, got ${categoryId}`);
    checkKeypoints(tables, a, category?.keypoints?.length, report);
    const image = imageOf.get(annotations.imageIds[a]);
    if (image === undefined) {
      if (isRejected('images', annotations.imageIds[a])) continue;
      report(PROBLEMS.unknownImage, `expected a known image_id, got ${annotations.imageIds[a]}`);
      continue;
    }
    imageIndices[a] = image;
    annotated[image] = 1;
    checkRegion(tables, a, image, report);
  }
  annotated.forEach((has, i) => {
    if (!has && !hasUnreadable && !rejected?.annotated.has(images.ids[i]))
      log.add(PROBLEMS.imageEmpty, imageProblem(tables, i, 'no annotation'));
  });
  categories.forEach(({ id, name }, i) => {
    if (used.has(id) || hasUnreadable || rejected?.annotatedWith.has(id)) return;
    const message = `${placeOf('categories', i, id)}: no annotation of ${quote(name)}`;
    log.add(PROBLEMS.classUnused, { file, message, id });
  });
  return imageIndices;
}

function checkKeypoints(
  { annotations }: CocoTables,
  a: number,
  numNames: number | undefined,
  report: ReportProblem,
): void {
  const length = annotations.keypointLengths[a];
  if (length === 0 || numNames === undefined || length === 3 * numNames) return;
  report(PROBLEMS.keypoints, `keypoints: expected 3 x ${numNames} numbers, got ${length}`);
}

/** Checks box, area and mask of an annotation against each other and against the size of its image. */
function checkRegion(tables: CocoTables, a: number, image: number, report: ReportProblem): void {
  const { images, annotations } = tables;
  const [imageWidth, imageHeight] = [images.widths[image], images.heights[image]];
  const box = boxOf(tables, a);
  const [x, y, width, height] = box;
  const extent = annotations.maskExtents.subarray(4 * a, 4 * a + 4);
  const areaPx = annotations.areas[a];
  const shown = `[${box.join(', ')}] in ${imageWidth}x${imageHeight}`;
  const skip = skipReason(tables, a, image);
  if (skip) report(skip, SKIP_MESSAGES[skip.code](shown, areaPx));
  else if (leaves([x, y, x + width, y + height], imageWidth, imageHeight))
    report(PROBLEMS.boxOverhang, `bbox: expected a box inside the image, got ${shown}`);
  if (annotations.crowds[a]) report(PROBLEMS.crowd, 'a crowd region');
  const [maskHeight, maskWidth] = annotations.maskSizes.subarray(2 * a, 2 * a + 2);
  const isRle = maskHeight > 0 || maskWidth > 0;
  if (isRle && (maskHeight !== imageHeight || maskWidth !== imageWidth))
    report(
      PROBLEMS.rleSize,
      `segmentation/size: expected [${imageHeight}, ${imageWidth}] of its image, got [${maskHeight}, ${maskWidth}]`,
    );
  if (Number.isNaN(extent[0])) {
    if (!isRle) report(PROBLEMS.maskNone, 'no segmentation');
    return;
  }
  if (!isRle && leaves(extent, imageWidth, imageHeight))
    report(
      PROBLEMS.polygonOutside,
      `segmentation: expected points inside ${imageWidth}x${imageHeight}, got ${[...extent].map(round).join(', ')}`,
    );
  if (skip) return;
  checkBoxAgainstMask([x, y, x + width, y + height], extent, report);
  // Boxes of crowds are only approximate.
  if (annotations.crowds[a] === 0 && areaPx > 1.01 * width * height + 1)
    report(
      PROBLEMS.areaBox,
      `area: expected at most ${round(width * height)} px of the box, got ${areaPx}`,
    );
}

const SKIP_MESSAGES: Readonly<Record<string, (box: string, areaPx: number) => string>> = {
  [PROBLEMS.ignored.code]: () => 'marked "ignore"',
  [PROBLEMS.boxOutside.code]: (box) => `bbox: expected a box that overlaps its image, got ${box}`,
  [PROBLEMS.areaNotPositive.code]: (_, areaPx) => `area: expected a number above 0, got ${areaPx}`,
  [PROBLEMS.boxSmall.code]: (box) => `bbox: expected sides of 1 px or more, got ${box}`,
};

function checkBoxAgainstMask(
  box: ArrayLike<number>,
  mask: ArrayLike<number>,
  report: ReportProblem,
): void {
  let distance = 0;
  for (let i = 0; i < 4; i++) distance = Math.max(distance, Math.abs(box[i] - mask[i]));
  if (distance <= MIN_BOX_MASK_DISTANCE_PX) return;
  const w = Math.min(box[2], mask[2]) - Math.max(box[0], mask[0]);
  const h = Math.min(box[3], mask[3]) - Math.max(box[1], mask[1]);
  const both = Math.max(0, w) * Math.max(0, h);
  const area = (b: ArrayLike<number>): number => (b[2] - b[0]) * (b[3] - b[1]);
  if (both >= MIN_BOX_MASK_IOU * (area(box) + area(mask) - both)) return;
  const around = [mask[0], mask[1], mask[2] - mask[0], mask[3] - mask[1]].map(round);
  const got = [box[0], box[1], box[2] - box[0], box[3] - box[1]].map(round);
  report(
    PROBLEMS.boxMask,
    `bbox: expected about [${around.join(', ')}] of its mask, got [${got.join(', ')}]`,
  );
}

function leaves(box: ArrayLike<number>, width: number, height: number): boolean {
  return (
    box[0] < -TOLERANCE_PX ||
    box[1] < -TOLERANCE_PX ||
    box[2] > width + TOLERANCE_PX ||
    box[3] > height + TOLERANCE_PX
  );
}

/** Calls `report` with the index of every value that occurred before. */
function reportDuplicates(ids: Float64Array, report: (index: number) => void): void {
  const sorted = ids.slice().sort();
  const twice = new Set<number>();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) twice.add(sorted[i]);
  if (twice.size === 0) return;
  const seen = new Set<number>();
  ids.forEach((id, i) => {
    if (!twice.has(id)) return;
    if (seen.has(id)) report(i);
    seen.add(id);
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
