import type { RleRecord } from '../core/coco.js';
import { DataError, quote } from '../core/errors.js';
import type { LabelMap, RgbImage } from '../core/image.js';
import { AnnotationColumns, annotationIn } from '../io/coco/annotation-columns.js';
import { checkCocoTables } from './coco/checks.js';
import { reportTo } from './coco/problem-kinds.js';
import { createCocoSet, type CocoSet } from './coco/set.js';
import type { SegmentationSet } from './segmentation-folder.js';
import type { ClassificationSet } from './imagenet.js';
import { ProblemLog } from './problems.js';
import type { ClassificationSample } from './sample.js';

/** Placeholder for a file name in messages about data in memory. */
const NAME = '(in memory)';

/** An image and its class, by name or by index. */
export interface ClassificationExample {
  readonly image: RgbImage;
  readonly label: string | number;
}

/** An image and its objects. */
export interface DetectionExample {
  readonly image: RgbImage;
  readonly objects: readonly {
    /** x, y, width, height in pixels. */
    readonly box: readonly [number, number, number, number];
    /** Class by name or by index. */
    readonly label: string | number;
    /** Polygons `[x0, y0, x1, y1, …]` in pixels, or run lengths as in COCO files. */
    readonly mask?: readonly (readonly number[])[] | RleRecord | undefined;
  }[];
}

/** An image and the class of every pixel. */
export interface SegmentationExample {
  readonly image: RgbImage;
  /** Labels of the image's size; 255 is ignored. */
  readonly labels: LabelMap;
}

/** An unlabeled image. */
export interface ImageExample {
  readonly image: RgbImage;
}

/** Converts examples to a classification set. @throws DataError for an image of a wrong length or an unknown class */
export function classificationSet(
  examples: readonly ClassificationExample[],
  classes: readonly string[],
): ClassificationSet {
  const samples = examples.map(({ label, ...example }, i) => ({
    ...imageSample(example, i),
    classIndex: classIndexOf(label, classes, i),
  }));
  const entries = classes.map((name) => ({ key: name, name }));
  return { layout: 'images in memory', split: 'all', samples, classes: entries, ignoredFiles: [] };
}

/**
 * Converts examples to a detection set with category ids 1, 2, ….
 *
 * @throws DataError for an image of a wrong length, an unknown class, or objects that are invalid in COCO files
 */
export function detectionSet(
  examples: readonly DetectionExample[],
  classes: readonly string[],
): CocoSet {
  const log = new ProblemLog();
  const columns = new AnnotationColumns(annotationIn(NAME), reportTo(log), {
    masks: true,
    keypoints: false,
  });
  let numObjects = 0;
  const files = examples.map(imageSample);
  examples.forEach(({ objects }: Partial<DetectionExample>, i) => {
    for (const { box, label, mask } of objects ?? []) {
      assertBox(box, files[i]);
      const category = classIndexOf(label, classes, i) + 1;
      const ids = { id: ++numObjects, image_id: i + 1, category_id: category };
      const area = mask ? undefined : box[2] * box[3];
      columns.add({ ...ids, bbox: box, area, segmentation: mask }, numObjects - 1);
    }
  });
  const tables = {
    file: NAME,
    categories: classes.map((name, k) => ({ id: k + 1, name })),
    annotations: columns.finish(),
    images: {
      positions: Uint32Array.from(examples, (_, i) => i),
      ids: Float64Array.from(examples, (_, i) => i + 1),
      widths: Int32Array.from(examples, ({ image }) => image.width),
      heights: Int32Array.from(examples, ({ image }) => image.height),
      fileNames: files.map(({ file }) => file),
      pixels: examples.map(({ image }) => image),
    },
  };
  const imageIndices = checkCocoTables(tables, log);
  log.throwErrors();
  return createCocoSet(tables, imageIndices, { images: '' });
}

/** Converts examples to a segmentation set. @throws DataError for an image or label map of a wrong length */
export function segmentationSet(
  examples: readonly SegmentationExample[],
  classes: readonly string[],
): SegmentationSet {
  const samples = examples.map(({ labels, ...example }, i) => {
    assertLength(labels.data.length, labels.width * labels.height, `labels of image ${i}`);
    return { ...imageSample(example, i), labelFile: `labels of image ${i}`, labels };
  });
  const mapping = { numClasses: classes.length, reduceZeroLabel: false };
  return { source: NAME, samples, classes, mapping };
}

/** Converts unlabeled images to samples. @throws DataError for an image of a wrong length */
export function imageSamples(examples: readonly ImageExample[]): readonly ClassificationSample[] {
  return examples.map((example, i) => ({ ...imageSample(example, i), classIndex: -1 }));
}

function imageSample(
  { image }: ImageExample,
  i: number,
): { readonly file: string; readonly image: RgbImage } {
  if (!((image as RgbImage | undefined)?.data instanceof Uint8Array) || image.data.length === 0)
    throw new DataError(
      `data: image ${i}: expected pixels { width, height, data: Uint8Array }, see decodeImage`,
    );
  assertLength(image.data.length, 3 * image.width * image.height, `image ${i}`);
  return { file: `image ${i}`, image };
}

/** Boxes of a file are checked by its schema. */
function assertBox(
  box: readonly number[] | undefined,
  { file, image }: ReturnType<typeof imageSample>,
): void {
  const [x, y, w, h] = box?.length === 4 ? box : [NaN, NaN, NaN, NaN];
  const isFinite = [x, y, w, h].every(Number.isFinite) && w > 0 && h > 0;
  if (!isFinite || x >= image.width || y >= image.height || x + w <= 0 || y + h <= 0)
    throw new DataError(
      `data: ${file}: expected a box [x, y, width, height] inside ${image.width}x${image.height}, got [${String(box)}]`,
    );
}

function assertLength(length: number, expected: number, where: string): void {
  if (length !== expected)
    throw new DataError(`data: ${where}: expected ${expected} values, got ${length}`);
}

function classIndexOf(label: string | number, classes: readonly string[], i: number): number {
  const index = typeof label === 'number' ? label : classes.indexOf(label);
  if (classes[index] === undefined)
    throw new DataError(
      `data: image ${i}: expected a class of ${classes.join(', ')}, got ${quote(label)}`,
    );
  return index;
}
