import { rectangleBetween, type DrawnRegion } from '../../core/drawn-region.js';
import { AnnotationsError, DataError, quote } from '../../core/errors.js';
import { encodeRle, type Rle } from '../../core/rle.js';
import * as t from '../../core/schema.js';
import { decodeJson } from '../files/json.js';
import { decodePngIndices, type PngIndices } from '../png/indices.js';
import { compileSchema, formatProblems } from '../schema.js';

/** A shape of a LabelMe file. */
export interface LabelMeShape {
  /** Position in `shapes`. */
  readonly position: number;
  readonly label: string;
  /** Shapes of the same label and group are parts of one object. */
  readonly group: string | undefined;
  readonly region: DrawnRegion;
}

/** A shape that marks no region. */
export interface LabelMeMark {
  readonly position: number;
  readonly label: string;
  /** `point`, `points`, `line`, `linestrip`, or a type of another version. */
  readonly type: string;
}

/** A LabelMe file: the annotations of one image. */
export interface LabelMeFile {
  /** Path of the image relative to the file, with `/`; undefined if it has none. */
  readonly imagePath: string | undefined;
  /** Pixels, 0 if missing. */
  readonly width: number;
  readonly height: number;
  /** The image file in base64, where it is embedded; see {@link embeddedImage}. */
  readonly imageData: string | undefined;
  readonly shapes: readonly LabelMeShape[];
  readonly marks: readonly LabelMeMark[];
}

const NULLABLE: t.Schema<string | null> = { type: ['string', 'null'] };
const SIDE = t.optional(t.orNull(t.whole(0, 1_000_000)));
const ID: t.Schema<number | string | null> = { type: ['integer', 'string', 'null'] };
const ShapeRecord = t.record({
  label: t.TEXT,
  points: t.listOf(t.list(t.number(), 2)),
  group_id: t.optional(ID),
  shape_type: t.optional(NULLABLE),
  mask: t.optional(NULLABLE),
});
type ShapeRecord = t.Infer<typeof ShapeRecord>;
/** Older versions wrote no `shape_type`, and `null` where there is no image or size. */
const FileRecord = t.withUnknownFields(
  t.record({
    shapes: t.listOf(ShapeRecord),
    imagePath: t.optional(NULLABLE),
    imageData: t.optional(NULLABLE),
    imageWidth: SIDE,
    imageHeight: SIDE,
  }),
);

/** Whether a JSON document has the fields of a LabelMe file. */
export function isLabelMe(content: unknown): boolean {
  return (
    typeof content === 'object' &&
    content !== null &&
    'shapes' in content &&
    ('imagePath' in content || 'imageData' in content || 'imageHeight' in content)
  );
}

/**
 * Reads a LabelMe annotation file. Numbers and types are checked; classes and positions are not.
 *
 * @throws DataError that names the shape and the field for content that does not fit the format
 * @see https://github.com/wkentaro/labelme/blob/v5.5.0/labelme/label_file.py
 */
export function readLabelMe(bytes: Uint8Array, file: string): LabelMeFile {
  return labelMeIn(decodeJson(bytes, file, 'a LabelMe file'), file);
}

/** Reads the JSON document of a LabelMe file. @throws DataError as {@link readLabelMe} */
export function labelMeIn(content: unknown, file: string): LabelMeFile {
  const problems = compileSchema(FileRecord)(content);
  if (problems.length > 0) throw AnnotationsError.in(file, formatProblems(problems));
  const { shapes, imagePath, imageData, imageWidth, imageHeight } = content as t.Infer<
    typeof FileRecord
  >;
  const regions: LabelMeShape[] = [];
  const marks: LabelMeMark[] = [];
  let masksPx = 0;
  shapes.forEach((shape, position) => {
    const { label, group_id: group } = shape;
    const where = `shapes[${position}] (${quote(label)})`;
    const region = regionOf(shape, where, file);
    if (typeof region === 'object' && region.kind === 'mask')
      masksPx += region.mask.width * region.mask.height;
    if (masksPx > MAX_MASKS_PX)
      throw AnnotationsError.in(
        file,
        `${where}: expected masks of at most ${MAX_MASKS_PX} pixels in all, got more`,
      );
    if (typeof region === 'string') marks.push({ position, label, type: region });
    else regions.push({ position, label, group: group?.toString(), region });
  });
  return {
    imagePath: imagePath ? imagePath.replaceAll('\\', '/') : undefined,
    width: imageWidth ?? 0,
    height: imageHeight ?? 0,
    imageData: imageData || undefined,
    shapes: regions,
    marks,
  };
}

/** Largest sum of the pixels of the masks of an image, which are decoded one by one: twenty as large as a photo. */
const MAX_MASKS_PX = 2 ** 28;
/** Largest number of runs of a mask, which outlines of the largest photos do not have. */
const MAX_RUNS = 2 ** 21;

/** Decodes the embedded image of a file. @throws DataError if there is none or it is no base64 */
export function embeddedImage({ imageData = '' }: LabelMeFile, file: string): Uint8Array {
  return bytesOf(imageData, 'imageData', file);
}

/** Region of a shape, or its type if it marks none. @throws DataError */
function regionOf(shape: ShapeRecord, where: string, file: string): DrawnRegion | string {
  const { points } = shape;
  const type = shape.shape_type ?? 'polygon';
  const wanted = (expected: string, got = `${points.length} points`): DataError =>
    AnnotationsError.in(file, `${where}: expected ${expected}, got ${got}`);
  switch (type) {
    case 'polygon':
    case 'oriented_rectangle': // labelme
    case 'rotation': // X-AnyLabeling
      if (points.length < 3) throw wanted('a polygon of at least 3 points');
      return { kind: 'polygon', points: points.flat() };
    case 'rectangle': {
      // Version 6 writes all four corners.
      if (points.length !== 2 && points.length !== 4) throw wanted('two corners of a rectangle');
      const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
      return rectangleBetween(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    }
    case 'circle': {
      if (points.length !== 2) throw wanted('the center of a circle and a point on it');
      const [[x, y], [x1, y1]] = points;
      const radius = Math.hypot(x1 - x, y1 - y);
      if (radius === 0) throw wanted('a radius above 0', '0');
      return { kind: 'ellipse', center: [x, y], radii: [radius, radius], angle: 0 };
    }
    case 'mask': {
      if (points.length !== 2) throw wanted('two corners of a mask');
      if (!shape.mask) throw wanted('a PNG in "mask"', 'none');
      const png = decodePngIndices(bytesOf(shape.mask, `${where}: mask`, file), file);
      const [[x1, y1], [x2, y2]] = points.map(([x, y]) => [Math.trunc(x), Math.trunc(y)]);
      const { width, height } = png;
      // The last point is the last pixel.
      if (x2 - x1 + 1 !== width || y2 - y1 + 1 !== height)
        throw wanted(`a mask of ${x2 - x1 + 1}x${y2 - y1 + 1}`, `${width}x${height}`);
      return { kind: 'mask', x: x1, y: y1, mask: runsOf(png, wanted) };
    }
    default:
      return type;
  }
}

function runsOf(
  { width, height, data }: PngIndices,
  wanted: (expected: string, got: string) => DataError,
): Rle {
  try {
    return encodeRle(data, height, width, MAX_RUNS);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    throw wanted(`a mask of at most ${MAX_RUNS} runs`, 'more');
  }
}

function bytesOf(base64: string, where: string, file: string): Uint8Array {
  if (!/^[A-Za-z0-9+/\s]+(=[=\s]*)?$/.test(base64))
    throw AnnotationsError.in(file, `${where}: expected base64, got ${quote(base64)}`);
  return Buffer.from(base64, 'base64');
}
