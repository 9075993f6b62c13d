import { assertList, assertObject } from './arguments.js';
import { InputError, quote } from './errors.js';
import { RleBuilder } from './rle-crop.js';
import { assertRle, rleArea, type Rle, type XywhBox } from './rle.js';
import { rleFromString, rleToString } from './rle-string.js';

/**
 * Results of models on images: plain data for `structuredClone` and `JSON.stringify`. Positions are in pixels of the
 * original image.
 */

/** A binary mask in COCO's compressed form. */
export interface CompressedMask {
  readonly size: readonly [height: number, width: number];
  /** Compressed run lengths, column by column; see {@link rleToString}. */
  readonly counts: string;
}

/** A predicted class of an image. */
export interface ClassScore {
  readonly classIndex: number;
  readonly name: string;
  /** Softmax over all classes, 0–1. */
  readonly probability: number;
}

/** Result of a classifier: classes, the most probable first. */
export interface ClassifyResult {
  readonly task: 'classify';
  readonly width: number;
  readonly height: number;
  readonly classes: readonly ClassScore[];
}

/** A detected object. */
export interface DetectedObject {
  readonly classIndex: number;
  /** Category id of the class in the training data. */
  readonly categoryId: number;
  readonly name: string;
  /** 0–1. */
  readonly score: number;
  /** `[x, y, width, height]` */
  readonly box: XywhBox;
  /** Mask of the image's size; absent if the detector has no masks. */
  readonly mask?: CompressedMask;
}

/** Result of a detector: objects, highest score first. */
export interface DetectResult {
  readonly task: 'detect';
  readonly width: number;
  readonly height: number;
  readonly objects: readonly DetectedObject[];
}

/**
 * Result of a segmenter: the class of every pixel. `JSON.stringify` writes one mask per class as `segments`, as
 * {@link toJson} does for copies, too.
 */
export interface SegmentResult {
  readonly task: 'segment';
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, class indices. */
  readonly labels: Uint8Array;
  /** By class index. */
  readonly classNames: readonly string[];
  /** Red, green and blue of the classes by index, where the model has colors of its own. */
  readonly palette?: readonly (readonly number[])[] | undefined;
}

/** JSON form of the pixels of one class. */
export interface SegmentJson {
  readonly classIndex: number;
  readonly name: string;
  readonly areaPx: number;
  readonly mask: CompressedMask;
}

/** The result of any model. */
export type ImageResult = ClassifyResult | DetectResult | SegmentResult;

/**
 * Checks that a value is the result of a model.
 *
 * @param where the function that was called with it
 * @throws InputError
 */
export function assertResult(where: string, result: ImageResult): void {
  const expected = 'the result of a model';
  assertObject(where, expected, result, 'task', 'width', 'height');
  switch (result.task) {
    case 'classify':
      return assertList(where, `${expected} with a list of classes`, result.classes);
    case 'detect':
      assertList(where, `${expected} with a list of objects`, result.objects);
      for (const object of result.objects)
        assertObject(where, `${expected} with objects`, object, 'box', 'score', 'classIndex');
      return;
    case 'segment':
      assertList(where, `${expected} with labels`, result.labels);
      return assertList(where, `${expected} with class names`, result.classNames);
    default:
      result satisfies never;
      throw new InputError(
        `${where}: expected the task classify, detect or segment, got ${quote((result as ImageResult).task)}`,
      );
  }
}

/** Converts a mask to COCO's compressed form. */
export function compressMask(rle: Rle): CompressedMask {
  assertRle('compressMask', rle);
  return { size: [rle.height, rle.width], counts: rleToString(rle) };
}

/** Inverse of {@link compressMask}. @throws DataError for invalid counts */
export function expandMask(mask: CompressedMask): Rle {
  assertObject('expandMask', 'a mask as { size, counts }', mask, 'size');
  assertList('expandMask', 'a size [height, width]', mask.size);
  const {
    size: [height, width],
    counts,
  } = mask;
  return rleFromString(counts, height, width);
}

/** A segmenter's result as JSON: one mask per class that occurs in place of the labels. */
export interface SegmentResultJson extends Omit<SegmentResult, 'labels'> {
  readonly segments: readonly SegmentJson[];
}

/** A result as JSON, in which a segmenter's labels are one mask per class. */
export type ResultJson = ClassifyResult | DetectResult | SegmentResultJson;

/**
 * Converts a result to what `JSON.stringify` writes for it. A copy of a segmenter's result (`{ ...result }`,
 * `structuredClone`) contains only data, so `JSON.stringify` would write its labels as they are.
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN');
 *   console.log(JSON.stringify(toJson(await model.predict('photo.jpg'))));
 *   await model.release();
 *   ```
 */
export function toJson(result: ImageResult): ResultJson {
  assertResult('toJson', result);
  if (result.task !== 'segment') return result;
  const { task, width, height, classNames, palette } = result;
  return { task, width, height, classNames, palette, segments: segmentsOf(result) };
}

/** Creates a result from labels, `[height, width]`. */
export function segmentResult(fields: Omit<SegmentResult, 'task'>): SegmentResult {
  const result = { task: 'segment', ...fields } as const;
  // Not enumerable, so that copies of the result contain only data.
  return Object.defineProperty(result, 'toJSON', { value: () => toJson(result) });
}

/** Creates one mask per class that occurs, by class index. */
export function segmentsOf({
  width,
  height,
  labels,
  classNames,
}: Omit<SegmentResult, 'task'>): readonly SegmentJson[] {
  const segments = new Map<number, RleBuilder>();
  // In column-major order, like COCO's masks.
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0; y < height; y++, at++) {
      const label = labels[y * width + x];
      let segment = segments.get(label);
      if (!segment) segments.set(label, (segment = new RleBuilder({ width, height })));
      segment.add(at, 1);
    }
  return [...segments]
    .sort(([a], [b]) => a - b)
    .map(([classIndex, segment]) => {
      const mask = segment.finish();
      const name = classNames[classIndex];
      return { classIndex, name, areaPx: rleArea(mask), mask: compressMask(mask) };
    });
}
