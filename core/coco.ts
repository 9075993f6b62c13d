import { DataError } from './errors.js';
import { rleFromString } from './rle-string.js';
import { cornersOfBox, rleFromPolygons } from './rle-polygons.js';
import { rleFromCounts, type Rle } from './rle.js';

/** Geometry used to compare detections: boxes, masks or keypoints. */
export type IouType = 'bbox' | 'segm' | 'keypoints';

/** One entry of `categories`. */
export interface CocoCategory {
  readonly id: number;
  readonly name: string;
  readonly supercategory?: string | null | undefined;
  /** Names of its keypoints in keypoint files. */
  readonly keypoints?: readonly string[] | undefined;
}

/** Number of training images of a category: rare (up to 10), common (up to 100), frequent. */
export type Frequency = 'r' | 'c' | 'f';

/**
 * Labels of a federated set such as LVIS, whose images are labeled for some categories only: those of their objects, and
 * those that are known to be absent. By image id and category id.
 */
export interface FederatedLabels {
  /** Categories that an image is known not to show. */
  readonly absent: ReadonlyMap<number, ReadonlySet<number>>;
  /** Categories of which an image may show more objects than are labeled. */
  readonly partial: ReadonlyMap<number, ReadonlySet<number>>;
  readonly frequencies: ReadonlyMap<number, Frequency>;
}

/** Images and categories of a data set. */
export interface CocoDomain {
  /** Absent unless the set is federated. */
  readonly federated?: FederatedLabels | undefined;
  /** `[I]`, in file order. */
  readonly imageIds: Float64Array;
  /** `[I]`, pixels; 0 if missing in the file. */
  readonly imageHeights: Float64Array;
  /** `[I]`, pixels; 0 if missing in the file. */
  readonly imageWidths: Float64Array;
  readonly categories: readonly CocoCategory[];
}

/** ASCII characters `bytes[start … end)` of a file that is being read. A backslash may be doubled, as in JSON. */
export interface TextBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Whether every backslash is doubled. */
  readonly isEscaped: boolean;
}

const BACKSLASH = 0x5c;
/** Characters from which on a copy by the engine is faster than a loop. */
const LONG = 48;

/** Copies the characters to `to` from position `at` on, without doubled backslashes. @returns the end */
export function copyText(
  { bytes, start, end, isEscaped }: TextBytes,
  to: Uint8Array,
  at: number,
): number {
  if (isEscaped)
    for (let i = start; i < end; i++) {
      const c = bytes[i];
      to[at++] = c;
      if (c === BACKSLASH) i++;
    }
  else if (end - start > LONG) {
    to.set(bytes.subarray(start, end), at);
    at += end - start;
  } else for (let i = start; i < end; i++) to[at++] = bytes[i];
  return at;
}

/** A mask as COCO's compressed run-length string, not checked yet. */
export interface CompressedRle {
  readonly height: number;
  readonly width: number;
  readonly counts: string | TextBytes;
}

/** One annotation for metrics, with all values of the file. */
export interface GroundTruthObject {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  /** `[4]` x, y, width, height, pixels. */
  readonly box: ArrayLike<number>;
  /** Square pixels. */
  readonly area: number;
  readonly isCrowd?: boolean | undefined;
  readonly ignore?: boolean | undefined;
  readonly mask?: Rle | undefined;
  /** `[3P]` x, y, visibility. */
  readonly keypoints?: ArrayLike<number> | undefined;
  /** Number of labeled keypoints; counted if missing. */
  readonly numKeypoints?: number | undefined;
}

/**
 * The mask of an object in image coordinates. Polygons are flat `[x0, y0, x1, y1, …]` lists in pixels;
 * run lengths are column-major and start with background, as in `core/rle.ts`.
 */
export type Segmentation =
  | { readonly kind: 'none' }
  | { readonly kind: 'polygons'; readonly polygons: readonly Float64Array[] }
  | {
      readonly kind: 'rle';
      readonly height: number;
      readonly width: number;
      readonly counts: Uint32Array;
    };

/** A run-length mask in the format of COCO's files. */
export interface RleRecord {
  /** Height and width, pixels. */
  readonly size: readonly [number, number];
  readonly counts: string | readonly number[];
}

/** One detection of a COCO result file, with the fields in use. */
export interface ResultRecord {
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  /** x, y, width, height in pixels, or empty. */
  readonly bbox?: readonly number[] | undefined;
  readonly segmentation?: RleRecord | readonly (readonly number[])[] | null | undefined;
  /** x, y, visibility of each point. */
  readonly keypoints?: readonly number[] | undefined;
}

/** A detection while it is read: its lists and bytes are the reader's, and valid until the next one. */
export interface ReadResult extends Omit<ResultRecord, 'bbox' | 'segmentation'> {
  /** x, y, width, height in pixels, or empty. */
  readonly bbox?: ArrayLike<number> | undefined;
  readonly segmentation?: ResultRecord['segmentation'] | ReadRle;
}

/** A run-length mask while it is read. */
export interface ReadRle {
  /** Height and width, pixels. */
  readonly size: readonly [number, number];
  readonly counts: RleRecord['counts'] | TextBytes;
}

/**
 * Converts a mask of COCO's files to run lengths. As in the reference, lists of four numbers are boxes if the first one
 * is.
 *
 * @param imageHeight pixels, needed for polygons
 * @param imageWidth pixels, needed for polygons
 * @throws DataError for runs that do not fill the mask, or an image or polygon without a size
 * @see https://github.com/cocodataset/cocoapi/blob/8c9bcc3/PythonAPI/pycocotools/_mask.pyx#L285
 */
export function rleOfSegmentation(
  segmentation: ReadRle | readonly ArrayLike<number>[],
  imageHeight: number,
  imageWidth: number,
): Rle {
  if ('counts' in segmentation) {
    const { size, counts } = segmentation;
    if (typeof counts === 'string') return rleFromString(counts, size[0], size[1]);
    if ('bytes' in counts) return rleFromText(counts, size[0], size[1]);
    return rleFromCounts(counts, size[0], size[1]);
  }
  assertImageSize(imageHeight, imageWidth);
  if (segmentation.length === 0) throw new DataError('expected polygons, got an empty list');
  const [{ length }] = segmentation;
  if (length > 4) return rleFromPolygons(segmentation, imageHeight, imageWidth);
  if (!segmentation.every((box) => box.length === 4))
    throw new DataError(`expected polygons of 6 numbers or more, got ${length}`);
  return rleFromPolygons(
    segmentation.map((box) => cornersOfBox([box[0], box[1], box[2], box[3]])),
    imageHeight,
    imageWidth,
  );
}

/** Reads compressed run lengths from the bytes of a file. @throws DataError as `rleFromString` */
export function rleFromText(text: TextBytes, height: number, width: number): Rle {
  const characters = new Uint8Array(text.end - text.start);
  return rleFromString(characters.subarray(0, copyText(text, characters, 0)), height, width);
}

/** @throws DataError unless the image has a size */
export function assertImageSize(height: number, width: number): void {
  if (!(height > 0) || !(width > 0))
    throw new DataError(`expected an image with height and width, got ${height} x ${width}`);
}
