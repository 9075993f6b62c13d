import { rleArea, type Rle, type XywhBox } from './rle.js';
import { rleFromString, rleToString } from './rle-string.js';

/**
 * Results of models on images: plain data, which `structuredClone` copies and `JSON.stringify` writes. Positions are pixels of the
 * image as it was given.
 */

/** A binary mask in the compressed form of COCO's files. */
export interface CompressedMask {
  readonly size: readonly [height: number, width: number];
  /** Compressed run lengths, column by column; see {@link rleToString}. */
  readonly counts: string;
}

/** A class of an image. */
export interface ClassScore {
  readonly classIndex: number;
  readonly name: string;
  /** Softmax over all classes, 0–1. */
  readonly probability: number;
}

/** The classes of an image, the most probable first. */
export interface ClassifyResult {
  readonly task: 'classify';
  readonly width: number;
  readonly height: number;
  readonly classes: readonly ClassScore[];
}

/** An object in an image. */
export interface DetectedObject {
  readonly classIndex: number;
  /** The class's number in the data set that the model was trained on. */
  readonly categoryId: number;
  readonly name: string;
  /** 0–1. */
  readonly score: number;
  /** `[x, y, width, height]` */
  readonly box: XywhBox;
  /** Of the image's size; absent where the detector has no masks. */
  readonly mask?: CompressedMask;
}

/** The objects in an image, the surest first. */
export interface DetectResult {
  readonly task: 'detect';
  readonly width: number;
  readonly height: number;
  readonly objects: readonly DetectedObject[];
}

/**
 * The class of every pixel. `JSON.stringify` writes the labels as one mask a class: `segments`, see {@link SegmentJson}.
 */
export interface SegmentResult {
  readonly task: 'segment';
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, class indices. */
  readonly labels: Uint8Array;
  /** By class index. */
  readonly classNames: readonly string[];
}

/** The pixels of one class, as JSON has them. */
export interface SegmentJson {
  readonly classIndex: number;
  readonly name: string;
  readonly areaPx: number;
  readonly mask: CompressedMask;
}

/** The result of any model. */
export type ImageResult = ClassifyResult | DetectResult | SegmentResult;

/** COCO's compressed form of a mask. */
export function compressMask(rle: Rle): CompressedMask {
  return { size: [rle.height, rle.width], counts: rleToString(rle) };
}

/** The inverse of {@link compressMask}. @throws DataError for counts that are damaged */
export function expandMask({ size: [height, width], counts }: CompressedMask): Rle {
  return rleFromString(counts, height, width);
}

/** A result of these labels, `[height, width]`. */
export function segmentResult(fields: Omit<SegmentResult, 'task'>): SegmentResult {
  const result = { task: 'segment', ...fields } as const;
  const { width, height, classNames } = fields;
  // Not enumerable: copies of the result are data only.
  return Object.defineProperty(result, 'toJSON', {
    value: () => ({ task: 'segment', width, height, classNames, segments: segmentsOf(result) }),
  });
}

/** One mask for every class that occurs, by class index. */
export function segmentsOf({
  width,
  height,
  labels,
  classNames,
}: Omit<SegmentResult, 'task'>): readonly SegmentJson[] {
  const segments = new Map<number, { readonly counts: number[]; end: number }>();
  // Column by column, as COCO's masks run.
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0; y < height; y++, at++) {
      const label = labels[y * width + x];
      let segment = segments.get(label);
      if (!segment) segments.set(label, (segment = { counts: [at, 0], end: at }));
      else if (segment.end !== at) segment.counts.push(at - segment.end, 0);
      segment.counts[segment.counts.length - 1]++;
      segment.end = at + 1;
    }
  return [...segments]
    .sort(([a], [b]) => a - b)
    .map(([classIndex, { counts, end }]) => {
      const rest = width * height - end;
      const runs = Uint32Array.from(rest > 0 ? [...counts, rest] : counts);
      return {
        classIndex,
        name: classNames[classIndex],
        areaPx: rleArea({ counts: runs }),
        mask: compressMask({ height, width, counts: runs }),
      };
    });
}
