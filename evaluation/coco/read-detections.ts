import { DataError } from '../../core/errors.js';
import { rleArea, rleBox } from '../../core/rle.js';
import { rleFromBox } from '../../core/rle-polygons.js';
import { GrowingNumbers } from '../growing-array.js';
import { JsonScanner } from '../json-scanner.js';
import {
  CocoDetectionsBuilder,
  type CocoDetections,
  type CocoDomain,
  type IouType,
} from './objects.js';
import { assertImageSize, SegmentationReader } from './read-segmentation.js';

/** What the first record holds; it decides how the areas of all are computed. */
export type ResultKind = 'bbox' | 'segm' | 'keypoints';

/** Results as read, with what is odd about them. */
export interface CocoResults {
  readonly detections: CocoDetections;
  /** Undefined for an empty list. */
  readonly kind: ResultKind | undefined;
  /** Whether the first record holds a box and a mask. */
  readonly hasBoxAndMask: boolean;
  /** Detections left out because their image is not listed. */
  readonly numUnknownImages: number;
}

/** A JSON text and the name of its file for errors. */
export interface NamedText {
  readonly bytes: Uint8Array;
  readonly file: string;
}

export interface ReadResultsOptions {
  readonly iouType: IouType;
  /** Whether results that hold boxes and masks get the areas of the boxes, as the reference does it. */
  readonly strict: boolean;
  /** What to do about a detection of an image that is not listed. */
  readonly unknownImages: 'refuse' | 'leaveOut';
  /** What to do about an empty list, which the reference cannot read. */
  readonly emptyResults: 'refuse' | 'accept';
}

/**
 * Reads results in COCO's format, lists of `{image_id, category_id, score, bbox | segmentation | keypoints}`. Where
 * masks are asked for and there are boxes these become masks, and the other way round. The bytes are changed:
 * escapes in compressed masks are resolved in place, and the masks stay there.
 *
 * @param texts read one after the other as if their lists were one
 * @throws DataError if a text is no such list or a record lacks what is compared
 */
export function readCocoResults(
  texts: readonly NamedText[],
  domain: CocoDomain,
  options: ReadResultsOptions,
): CocoResults {
  const bytes = texts.length === 1 ? texts[0].bytes : concat(texts.map((text) => text.bytes));
  const builder = new CocoDetectionsBuilder(bytes);
  let reader: ResultReader | undefined;
  let start = 0;
  for (const text of texts) {
    const end = start + text.bytes.length;
    const scanner = new JsonScanner(bytes, text.file, start, end);
    if (scanner.kind() !== 'list') throw scanner.error('a list of detections');
    const first = reader?.first ?? probeFirst(bytes, text, start, end);
    if (first) {
      reader ??= new ResultReader(builder, domain, first, options);
      reader.readAll(scanner, text.file);
    } else scanner.skip();
    scanner.finish();
    start = end;
  }
  if (!reader && options.emptyResults === 'refuse')
    throw new DataError(
      `${texts.map(({ file }) => file).join(', ')}: expected detections, got none`,
    );
  return {
    detections: { ...builder.build(), source: texts.map(({ file }) => file).join(', ') },
    kind: reader?.first.kind,
    hasBoxAndMask: reader?.first.hasBoxAndMask ?? false,
    numUnknownImages: reader?.numUnknownImages ?? 0,
  };
}

interface FirstRecord {
  readonly kind: ResultKind;
  readonly hasBoxAndMask: boolean;
}

/** Looks at the first record of a list without changing the bytes; undefined for an empty list. */
function probeFirst(
  bytes: Uint8Array,
  { file }: NamedText,
  start: number,
  end: number,
): FirstRecord | undefined {
  const scanner = new JsonScanner(bytes, file, start, end);
  const keys = new Set<string>();
  let isEmpty = true;
  let hasBox = false;
  scanner.visitFirst(() => {
    isEmpty = false;
    scanner.readObject((key) => {
      keys.add(key);
      if (key !== 'bbox') return scanner.skip();
      scanner.readList(() => {
        hasBox = true;
        scanner.skip();
      });
    });
  });
  if (isEmpty) return undefined;
  if (hasBox) return { kind: 'bbox', hasBoxAndMask: keys.has('segmentation') };
  if (keys.has('segmentation')) return { kind: 'segm', hasBoxAndMask: false };
  if (keys.has('keypoints')) return { kind: 'keypoints', hasBoxAndMask: false };
  throw new DataError(
    `${file}: expected bbox, segmentation or keypoints in the first detection, got ${[...keys].join(', ') || 'nothing'}`,
    { file },
  );
}

/** Reads records one by one; the fields hold the record at hand. */
class ResultReader {
  numUnknownImages = 0;
  private readonly imageIndexOf: ReadonlyMap<number, number>;
  private readonly needsMasks: boolean;
  private readonly needsKeypoints: boolean;
  private readonly keepsBoxAreas: boolean;
  private readonly box = new Float64Array(4);
  private readonly keypoints = new GrowingNumbers();
  private imageId = NaN;
  private categoryId = NaN;
  private score = NaN;
  private hasBox = false;
  private segmentationAt = -1;
  private numMasksBefore = 0;

  constructor(
    private readonly builder: CocoDetectionsBuilder,
    private readonly domain: CocoDomain,
    readonly first: FirstRecord,
    private readonly options: ReadResultsOptions,
  ) {
    const { iouType, strict } = options;
    this.imageIndexOf = new Map(Array.from(domain.imageIds, (id, index) => [id, index]));
    this.needsMasks = iouType === 'segm' || first.kind === 'segm';
    this.needsKeypoints = iouType === 'keypoints' || first.kind === 'keypoints';
    this.keepsBoxAreas =
      iouType !== 'segm' ||
      (first.kind === 'bbox' && (strict || !first.hasBoxAndMask)) ||
      first.kind === 'keypoints';
  }

  readAll(scanner: JsonScanner, file: string): void {
    const segmentation = new SegmentationReader(scanner, this.builder.masks);
    const visit = (key: string): void => this.readMember(scanner, segmentation, key);
    let at = 0;
    try {
      scanner.readList((index) => {
        at = index;
        this.clear();
        scanner.readObject(visit);
        this.add(scanner, segmentation);
      });
    } catch (cause) {
      if (!(cause instanceof DataError)) throw cause;
      const place = cause.message.startsWith(`${file}: `) ? file.length + 2 : 0;
      const message = `${file}: detection ${at}: ${cause.message.slice(place)}`;
      throw new DataError(message, { cause, file, id: at });
    }
  }

  private clear(): void {
    this.imageId = this.categoryId = this.score = NaN;
    this.hasBox = false;
    this.segmentationAt = -1;
    this.numMasksBefore = this.builder.masks.length;
    this.keypoints.length = 0;
  }

  private readMember(scanner: JsonScanner, segmentation: SegmentationReader, key: string): void {
    if (key === 'image_id') this.imageId = scanner.readNumber();
    else if (key === 'category_id') this.categoryId = scanner.readNumber();
    else if (key === 'score') this.score = scanner.readNumber();
    else if (key === 'bbox') this.hasBox = scanner.readNumbers(this.box, 4);
    else if (key === 'keypoints' && this.needsKeypoints) {
      this.keypoints.length = 0;
      scanner.readList(() => this.keypoints.push(scanner.readNumber()));
    } else if (key === 'segmentation' && this.needsMasks) {
      this.builder.masks.truncate(this.numMasksBefore);
      this.segmentationAt = scanner.pos;
      // Run lengths are read where they stand; polygons wait until the image is known.
      if (scanner.kind() === 'object') segmentation.read(NO_SIZE);
      else scanner.skip();
    } else scanner.skip();
  }

  private add(scanner: JsonScanner, segmentation: SegmentationReader): void {
    const { builder, options, box, first } = this;
    const { imageId, categoryId, score } = this;
    if (!Number.isSafeInteger(imageId)) throw wrong('a whole number as image_id', imageId);
    if (!Number.isSafeInteger(categoryId)) throw wrong('a whole number as category_id', categoryId);
    if (!Number.isFinite(score)) throw wrong('a finite score', score);
    const image = this.imageIndexOf.get(imageId);
    if (image === undefined) {
      if (options.unknownImages === 'refuse')
        throw wrong('an image_id of the ground truth', imageId);
      this.numUnknownImages++;
      builder.masks.truncate(this.numMasksBefore);
      return;
    }
    if (this.needsMasks) this.completeMask(scanner, segmentation, image);
    if (first.kind === 'keypoints') this.boxKeypoints();
    let area: number | undefined;
    if (options.iouType !== 'segm' && this.needsMasks) {
      const rle = builder.masks.rle(this.numMasksBefore);
      builder.masks.truncate(this.numMasksBefore);
      if (!this.hasBox) box.set(rleBox(rle));
      this.hasBox = true;
      area = rleArea(rle);
    } else if (this.keepsBoxAreas) {
      if (!this.hasBox) throw wrong('a bbox', NaN);
      area = box[2] * box[3];
    }
    builder.add({
      imageId,
      categoryId,
      score,
      area,
      box: options.iouType === 'bbox' ? box : undefined,
      keypoints: options.iouType === 'keypoints' ? this.keypoints.view() : undefined,
    });
  }

  /** Reads a mask that is no run lengths, or makes one of the box. */
  private completeMask(
    scanner: JsonScanner,
    segmentation: SegmentationReader,
    image: number,
  ): void {
    const { builder, domain, box } = this;
    if (builder.masks.length > this.numMasksBefore) return;
    const size = [domain.imageHeights[image], domain.imageWidths[image]] as const;
    if (this.segmentationAt >= 0) {
      const after = scanner.pos;
      scanner.pos = this.segmentationAt;
      const found = segmentation.read(() => size);
      scanner.pos = after;
      if (found) return;
    }
    if (this.first.kind !== 'bbox' || this.segmentationAt >= 0 || !this.hasBox)
      throw wrong('a segmentation', NaN);
    assertImageSize(size);
    builder.masks.add(rleFromBox([box[0], box[1], box[2], box[3]], size[0], size[1]));
  }

  /** The box around the keypoints, as the reference makes it. */
  private boxKeypoints(): void {
    const points = this.keypoints.view();
    let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = 0; p + 1 < points.length; p += 3) {
      x1 = Math.min(x1, points[p]);
      x2 = Math.max(x2, points[p]);
      y1 = Math.min(y1, points[p + 1]);
      y2 = Math.max(y2, points[p + 1]);
    }
    if (points.length === 0 || points.length % 3 !== 0)
      throw wrong('keypoints (x, y, v)', points.length);
    this.box.set([x1, y1, x2 - x1, y2 - y1]);
    this.hasBox = true;
  }
}

function NO_SIZE(): never {
  throw new DataError('expected run lengths, got polygons');
}

function wrong(expected: string, got: number): DataError {
  return new DataError(`expected ${expected}, got ${Number.isNaN(got) ? 'none' : got}`);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
