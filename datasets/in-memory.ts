import type { RleRecord } from '../core/coco.js';
import { describedValue, isUint8Array } from '../core/arguments.js';
import { DataError, quote } from '../core/errors.js';
import type { LabelMap, RgbImage } from '../core/image.js';
import { AnnotationColumns, annotationIn } from '../io/coco/annotation-columns.js';
import { isUpright } from '../core/upright.js';
import type { DecodeOptions } from '../io/image/decode.js';
import { imageReader, type ImageInput } from '../io/image/input.js';
import type { PixelImage } from '../io/image/pixels.js';
import type { PixelRange } from '../io/image/range.js';
import { checkCocoTables } from './coco/checks.js';
import { reportTo } from './coco/problem-kinds.js';
import { createCocoSet, type CocoSet } from './coco/set.js';
import { inParallel } from './in-parallel.js';
import type { SegmentationSet } from './segmentation-folder.js';
import type { ClassificationSet } from './imagenet.js';
import { ProblemLog } from './problems.js';
import type { ClassificationSample } from './sample.js';

/** Placeholder for a file name in messages about data in memory. */
const NAME = '(in memory)';

/**
 * An unlabeled image. Files and bytes are decoded once, before the work starts, and stay in memory: in the frame in which
 * `predict` of a model of the task decodes them, or in the stored one where only that has the size of the labels.
 */
export interface ImageExample<Image = ImageInput> {
  readonly image: Image;
}

/** An image and its class, by name or by index. */
export interface ClassificationExample<Image = ImageInput> extends ImageExample<Image> {
  readonly label: string | number;
}

/** An image and its objects. */
export interface DetectionExample<Image = ImageInput> extends ImageExample<Image> {
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
export interface SegmentationExample<Image = ImageInput> extends ImageExample<Image> {
  /** Labels of the image's size; 255 is ignored. */
  readonly labels: LabelMap;
}

/** Fields of the examples of a task beside the image: what each must be, and how it is written. */
const LABELS = {
  classify: { field: 'label', form: '{ image, label }', fits: isLabel },
  detect: {
    field: 'objects',
    form: '{ image, objects: [{ box, label, mask? }, …] }',
    fits: (objects: unknown) => Array.isArray(objects) && objects.every(isObject),
  },
  segment: {
    field: 'labels',
    form: '{ image, labels: { width, height, data: Uint8Array } }',
    fits: isLabelMap,
  },
  pretrain: { field: 'image', form: '{ image }', fits: () => true },
} as const;

/** Task of examples. */
type ExampleTask = keyof typeof LABELS;

function isLabel(label: unknown): boolean {
  return typeof label === 'string' || typeof label === 'number';
}

function isLabelMap(value: unknown): boolean {
  const { width, height, data } = Object(value) as Partial<LabelMap>;
  return Number.isInteger(width) && Number.isInteger(height) && isUint8Array(data);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/**
 * Checks examples of a task and decodes their images.
 *
 * @param range values that become 0 and 255 in images of more than 8 bits; default: their upper 8 bits
 * @throws DataError naming the first example that is none of the task, or whose image is none or cannot be decoded
 */
export function decodeExamples<Example extends ImageExample>(
  task: ExampleTask,
  examples: readonly Example[],
  range?: PixelRange,
): Promise<readonly (Omit<Example, 'image'> & ImageExample<RgbImage>)[]> {
  assertExamples(task, examples);
  // All are checked before any file is decoded.
  const readers = examples.map(({ image, ...example }, i) => {
    if (typeof image === 'object' && isObject(image) && 'width' in image) assertPixels(image, i);
    const upright = frameOf(task, example);
    return refusing(i, () => imageReader(image, { upright, range }));
  });
  return inParallel(examples, async (example, i) => {
    const image = await refusing(i, readers[i]);
    return { ...example, image };
  });
}

/** Frame in which the labels of an example are. */
function frameOf(task: ExampleTask, example: object): DecodeOptions['upright'] {
  const { labels } = example as Partial<SegmentationExample>;
  return task === 'segment' && labels ? labels : isUpright(task);
}

/** Runs a step for an example, whose index its errors name. */
function refusing<T>(i: number, step: () => T): T {
  const refuse = (cause: unknown): never => {
    throw new DataError(`data: image ${i}: ${(cause as Error).message.replace(/^image: /, '')}`, {
      cause,
    });
  };
  try {
    const result = step();
    return result instanceof Promise ? (result.catch(refuse) as T) : result;
  } catch (cause) {
    return refuse(cause);
  }
}

function assertExamples(task: ExampleTask, examples: readonly unknown[]): void {
  const { field, form, fits } = LABELS[task];
  // Lists with holes, too.
  Array.from(examples).forEach((example, i) => {
    const given = isObject(example) ? (example as Readonly<Record<string, unknown>>) : {};
    if (given['image'] === undefined || !fits(given[field]))
      throw new DataError(
        `data: image ${i}: expected ${form} to ${task}, got ${describedExample(example, field)}`,
      );
  });
}

/** `{ image, boxes }`, or the value of the field that is wrong: `objects: 3`. */
function describedExample(example: unknown, field: string): string {
  if (!isObject(example) || !(field in (example as object)) || field === 'image')
    return describedValue(example);
  const value = (example as Readonly<Record<string, unknown>>)[field];
  if (!Array.isArray(value) || field !== 'objects') return `${field}: ${describedValue(value)}`;
  return `${field}: [${describedValue(value.find((item) => !isObject(item)))}]`;
}

/** Converts examples to a classification set. @throws DataError for an image of a wrong length or an unknown class */
export function classificationSet(
  examples: readonly ClassificationExample<RgbImage>[],
  classes: readonly string[],
): ClassificationSet {
  assertExamples('classify', examples);
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
  examples: readonly DetectionExample<RgbImage>[],
  classes: readonly string[],
): CocoSet {
  assertExamples('detect', examples);
  const log = new ProblemLog();
  const columns = new AnnotationColumns(annotationIn(NAME), reportTo(log), {
    masks: true,
    keypoints: false,
  });
  let numObjects = 0;
  const files = examples.map(imageSample);
  examples.forEach(({ objects }, i) => {
    for (const { box, label, mask } of objects) {
      assertBox(box, files[i]);
      if (mask !== undefined && !isObject(mask))
        throw new DataError(
          `data: image ${i}: expected a mask as polygons or run lengths, got ${describedValue(mask)}`,
        );
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
  examples: readonly SegmentationExample<RgbImage>[],
  classes: readonly string[],
): SegmentationSet {
  assertExamples('segment', examples);
  const samples = examples.map(({ labels, ...example }, i) => {
    assertLength(labels.data.length, labels.width * labels.height, `labels of image ${i}`);
    return { ...imageSample(example, i), labelFile: `labels of image ${i}`, labels };
  });
  const mapping = { numClasses: classes.length, reduceZeroLabel: false };
  return { source: NAME, samples, classes, mapping };
}

/** Converts unlabeled images to samples. @throws DataError for an image of a wrong length */
export function imageSamples(
  examples: readonly ImageExample<RgbImage>[],
): readonly ClassificationSample[] {
  assertExamples('pretrain', examples);
  return examples.map((example, i) => ({ ...imageSample(example, i), classIndex: -1 }));
}

function imageSample(
  { image }: ImageExample<RgbImage>,
  i: number,
): { readonly file: string; readonly image: RgbImage } {
  if (!isUint8Array((image as RgbImage | undefined)?.data) || image.data.length === 0)
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

/** Checks the length of pixels that may be RGBA; the reader of images checks all else. */
function assertPixels({ width, height, data, channels }: PixelImage, i: number): void {
  const area = width * height;
  const isRgba = channels === 4 || data?.length === 4 * area;
  if (ArrayBuffer.isView(data) && Number.isSafeInteger(area) && !isRgba)
    assertLength(data.length, 3 * area, `image ${i}`);
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

/** @throws DataError unless classes are a list of different names, at least one */
export function assertClasses(classes: unknown): void {
  if (!Array.isArray(classes) || classes.length === 0)
    throw new DataError(
      `data: classes: expected a list of names, got ${Array.isArray(classes) ? 'none' : describedValue(classes)}`,
    );
  classes.forEach((name: unknown, k) => {
    if (typeof name !== 'string' || name === '')
      throw new DataError(`data: classes: expected names, got ${describedValue(name)}`);
    if (classes.indexOf(name) < k)
      throw new DataError(`data: classes: expected each name once, got ${quote(name)} again`);
  });
}
