import { extentOf } from '../../core/boxes.js';
import { quote } from '../../core/errors.js';
import { readXml } from '../xml/reader.js';

/** An object of a Pascal VOC file with the values of the file. */
export interface VocObject {
  readonly name: string;
  /** xmin, ymin, xmax, ymax in pixels: the first and the last pixel of the object, counted from 1. */
  readonly corners: readonly [number, number, number, number];
  /** Whether evaluation ignores the object. */
  readonly difficult: boolean;
  /** Whether the object continues beyond the image or behind others. */
  readonly truncated: boolean;
  /** Outline of some exports, `[x0, y0, …]` in pixels. */
  readonly polygon?: readonly number[] | undefined;
  /** The first value that does not fit the format: `bndbox/xmin: expected a number, got "a"`. */
  readonly problem?: string | undefined;
}

/** A Pascal VOC file: the annotations of one image. */
export interface VocFile {
  /** `<filename>`, possibly of another image, or empty. */
  readonly fileName: string;
  /** `<size>` in pixels, 0 if missing or invalid. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
}

/** Longest side of an image, pixels. */
const MAX_SIDE_PX = 1e6;

const OBJECT = 'annotation/object';
/** Corner of an outline as MIT's LabelMe writes it, x before y. */
const POINT = `${OBJECT}/polygon/pt`;
const CORNERS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/**
 * Reads a Pascal VOC annotation file. Parts of objects (`<part>`) are skipped. Files of MIT's LabelMe (CVAT's "LabelMe 3.0")
 * have the points of an outline instead of a box.
 *
 * @throws DataError if it is no XML with an element `<annotation>`
 * @see http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html section 11
 */
export function readVocFile(bytes: Uint8Array, file: string): VocFile {
  const objects: VocObject[] = [];
  const head = new Map<string, string>();
  let fields = new Map<string, string>();
  let points: string[] = [];
  readXml(bytes, 'annotation', file, {
    close: (path, text) => {
      if (path === OBJECT) {
        if (!isSet(fields.get('deleted'))) objects.push(objectOf(fields, points));
        fields = new Map();
        points = [];
      } else if (path === `${POINT}/x` || path === `${POINT}/y`) points.push(text);
      else if (path.startsWith(`${OBJECT}/`)) fields.set(path.slice(OBJECT.length + 1), text);
      else head.set(path, text);
    },
  });
  const side = (name: string): number => {
    const value = Number(head.get(`annotation/size/${name}`));
    return Number.isInteger(value) && value > 0 && value <= MAX_SIDE_PX ? value : 0;
  };
  return {
    fileName: head.get('annotation/filename') ?? '',
    width: side('width'),
    height: side('height'),
    objects,
  };
}

function objectOf(fields: ReadonlyMap<string, string>, points: readonly string[]): VocObject {
  const problems: string[] = [];
  const name = fields.get('name') ?? '';
  if (name === '') problems.push('name: expected the name of a class, got none');
  const numberAt = (field: string): number => numberOf(fields.get(field), field);
  const numberOf = (text: string | undefined, field: string): number => {
    const value = text === undefined || text === '' ? NaN : Number(text);
    if (!Number.isFinite(value))
      problems.push(
        `${field}: expected a number, got ${text === undefined ? 'none' : quote(text)}`,
      );
    return value;
  };
  const polygon: number[] = [];
  if (points.length > 0) {
    for (const text of points) polygon.push(numberOf(text, 'polygon/pt'));
    if (points.length % 2 === 1) problems.push('polygon/pt: expected x and y, got one of them');
  }
  const outline = polygon.length > 0 && !fields.has('bndbox/xmin') ? polygon : undefined;
  const [x1, y1, x2, y2] = outline
    ? cornersOf(outline)
    : CORNERS.map((corner) => numberAt(`bndbox/${corner}`));
  for (let i = 1; fields.has(`polygon/x${i}`); i++)
    polygon.push(numberAt(`polygon/x${i}`), numberAt(`polygon/y${i}`));
  return {
    name,
    corners: [x1, y1, x2, y2],
    difficult: isSet(fields.get('difficult')),
    truncated: isSet(fields.get('truncated')),
    polygon: polygon.length > 0 && fields.get('type') !== 'bounding_box' ? polygon : undefined,
    problem: problems[0],
  };
}

/** The corners of the box around an outline, as VOC counts them: from 1, with the last pixel. */
function cornersOf(outline: readonly number[]): readonly number[] {
  const [x1, y1, x2, y2] = extentOf([outline]);
  return [x1 + 1, y1 + 1, x2, y2];
}

/** Flags are 0 or 1; some tools write words. */
function isSet(text: string | undefined): boolean {
  return text !== undefined && /^(1|true|yes)$/i.test(text);
}
