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
const CORNERS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/**
 * Reads a Pascal VOC annotation file. Parts of objects (`<part>`) are skipped.
 *
 * @throws DataError if it is no XML with an element `<annotation>`
 * @see http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html section 11
 */
export function readVocFile(bytes: Uint8Array, file: string): VocFile {
  const objects: VocObject[] = [];
  const head = new Map<string, string>();
  let fields = new Map<string, string>();
  readXml(bytes, 'annotation', file, {
    close: (path, text) => {
      if (path === OBJECT) {
        objects.push(objectOf(fields));
        fields = new Map();
      } else if (path.startsWith(`${OBJECT}/`)) fields.set(path.slice(OBJECT.length + 1), text);
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

function objectOf(fields: ReadonlyMap<string, string>): VocObject {
  const problems: string[] = [];
  const name = fields.get('name') ?? '';
  if (name === '') problems.push('name: expected the name of a class, got none');
  const numberAt = (field: string): number => {
    const text = fields.get(field);
    const value = text === undefined || text === '' ? NaN : Number(text);
    if (!Number.isFinite(value))
      problems.push(
        `${field}: expected a number, got ${text === undefined ? 'none' : quote(text)}`,
      );
    return value;
  };
  const [x1, y1, x2, y2] = CORNERS.map((corner) => numberAt(`bndbox/${corner}`));
  const polygon: number[] = [];
  for (let i = 1; fields.has(`polygon/x${i}`); i++)
    polygon.push(numberAt(`polygon/x${i}`), numberAt(`polygon/y${i}`));
  return {
    name,
    corners: [x1, y1, x2, y2],
    difficult: isSet(fields.get('difficult')),
    truncated: isSet(fields.get('truncated')),
    polygon: polygon.length > 0 ? polygon : undefined,
    problem: problems[0],
  };
}

/** Flags are 0 or 1; some tools write words. */
function isSet(text: string | undefined): boolean {
  return text !== undefined && /^(1|true|yes)$/i.test(text);
}
