import { AnnotationsError, quote } from '../../core/errors.js';
import { readXmlFile } from '../xml/reader.js';

/** A shape of an image, with the values of the file. */
export type CvatShape =
  | {
      readonly kind: 'box';
      readonly label: string;
      /** Left, top, right and bottom edge, pixels. */
      readonly corners: readonly [number, number, number, number];
      /** Degrees, clockwise about the center. */
      readonly rotation: number;
    }
  | {
      readonly kind: 'polygon';
      readonly label: string;
      /** `[x0, y0, …]`, pixels. */
      readonly points: readonly number[];
      /** Polygons of one label and group are parts of an object; 0 for none. */
      readonly group: number;
    }
  | {
      readonly kind: 'mask';
      readonly label: string;
      /** Rectangle of the image that the runs fill, pixels. */
      readonly left: number;
      readonly top: number;
      readonly width: number;
      readonly height: number;
      /** Lengths of runs, row by row, background first. */
      readonly runs: readonly number[];
    }
  /** A shape without an area, or one that is not read. */
  | { readonly kind: 'other'; readonly name: string }
  /** A shape that does not fit the format. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** An image with its shapes in order. */
export interface CvatImage {
  /** Path as in the file. */
  readonly name: string;
  /** Pixels, 0 if missing or invalid. */
  readonly width: number;
  readonly height: number;
  /** Empty if there is none. */
  readonly subset: string;
  readonly shapes: readonly CvatShape[];
}

/** Callbacks for the content of a file. */
export interface CvatHandler {
  /** Called before the images, in order of the file. */
  readonly label: (name: string) => void;
  readonly image: (image: CvatImage) => void;
}

/** Longest side of an image, pixels. */
const MAX_SIDE_PX = 1e6;

const IMAGE = 'annotations/image';
const LABEL = /^annotations\/meta\/(\w+\/)?labels\/label$/;

/**
 * Reads a file of CVAT 1.1 for images, of any size.
 *
 * @throws DataError if it is no XML with an element `<annotations>`, or has tracks of a video
 * @see https://docs.cvat.ai/docs/manual/advanced/xml_format/
 */
export async function readCvat(file: string, { label, image }: CvatHandler): Promise<void> {
  let head: Omit<CvatImage, 'shapes'> | undefined;
  let shapes: CvatShape[] = [];
  let name = '';
  let isPart = false;
  await readXmlFile(file, 'annotations', {
    open: (path, attributes) => {
      if (path === 'annotations/track')
        throw AnnotationsError.in(
          file,
          'expected annotations of images, got tracks of a video (CVAT for video); export as "CVAT for images 1.1"',
        );
      if (path === IMAGE) {
        shapes = [];
        head = {
          name: attributes['name'] ?? '',
          width: sideOf(attributes['width']),
          height: sideOf(attributes['height']),
          subset: attributes['subset'] ?? '',
        };
      } else if (path.startsWith(`${IMAGE}/`) && !path.slice(IMAGE.length + 1).includes('/'))
        shapes.push(shapeOf(path.slice(IMAGE.length + 1), attributes));
    },
    close: (path, text) => {
      if (path === IMAGE && head) image({ ...head, shapes });
      else if (path.endsWith('/label/name')) name = text;
      else if (path.endsWith('/label/parent')) isPart = true;
      else if (LABEL.test(path)) {
        if (!isPart) label(name); // points of a skeleton have labels, too
        isPart = false;
      }
    },
  });
}

function sideOf(text = ''): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 && value <= MAX_SIDE_PX ? value : 0;
}

/** Reads an element of an image. @param name of the element */
function shapeOf(name: string, attributes: Readonly<Record<string, string>>): CvatShape {
  let problem: string | undefined;
  const numbers = (key: string, separator?: RegExp): readonly number[] => {
    const text = attributes[key] ?? '';
    const words = (separator ? text.split(separator) : [text]).map((word) => word.trim());
    const values = words.map((word) => (word === '' ? NaN : Number(word)));
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) problem ??= `${key}: expected numbers, got ${quote(words[wrong])}`;
    return values;
  };
  const numberAt = (key: string): number => numbers(key)[0];
  const label = attributes['label'] ?? '';
  const invalid = (message: string): CvatShape => ({
    kind: 'invalid',
    problem: `${name}: ${message}`,
  });
  const isKnown = ['box', 'polygon', 'mask'].includes(name);
  if (isKnown && label === '') return invalid('label: expected the name of a class, got none');
  let shape: CvatShape;
  switch (name) {
    case 'box': {
      const [x1, y1, x2, y2] = ['xtl', 'ytl', 'xbr', 'ybr'].map(numberAt);
      const rotation = attributes['rotation'] === undefined ? 0 : numberAt('rotation');
      shape = { kind: 'box', label, corners: [x1, y1, x2, y2], rotation };
      break;
    }
    case 'polygon': {
      const points = numbers('points', /[,;]/);
      if (problem === undefined && (points.length < 6 || points.length % 2 > 0))
        return invalid(`points: expected 3 or more pairs, got ${points.length} numbers`);
      shape = { kind: 'polygon', label, points, group: Number(attributes['group_id'] ?? 0) || 0 };
      break;
    }
    case 'mask': {
      const [left, top, width, height] = ['left', 'top', 'width', 'height'].map(numberAt);
      shape = { kind: 'mask', label, left, top, width, height, runs: numbers('rle', /,/) };
      break;
    }
    default:
      return { kind: 'other', name };
  }
  return problem === undefined ? shape : invalid(problem);
}
