import { quote } from '../../core/errors.js';

/** An object of a YOLO label file, with positions relative to the size of the image. */
export interface YoloObject {
  /** Index of its line. */
  readonly line: number;
  readonly classIndex: number;
  readonly shape:
    | {
        readonly kind: 'box';
        readonly box: readonly [cx: number, cy: number, w: number, h: number];
      }
    | { readonly kind: 'polygon'; readonly points: readonly number[] };
}

/** A line that is no object. */
export interface YoloProblem {
  readonly line: number;
  readonly problem: string;
}

/** Values this far from 0 … 1 are no rounding errors or overhanging boxes, but pixels. */
const FAR = 0.5;

/**
 * Reads the lines of a YOLO label file: `class cx cy w h`, possibly with a score, or `class x1 y1 x2 y2 x3 y3 …`.
 *
 * @see https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/
 */
export function readYoloLabels(text: string): readonly (YoloObject | YoloProblem)[] {
  const found: (YoloObject | YoloProblem)[] = [];
  text.split('\n').forEach((content, line) => {
    const words = content.trim().split(/\s+/);
    if (words[0] !== '') found.push(lineOf(words, line));
  });
  return found;
}

function lineOf(words: readonly string[], line: number): YoloObject | YoloProblem {
  const problem = (message: string): YoloProblem => ({ line, problem: message });
  const numbers = words.map(numberOf);
  const wrong = numbers.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) return problem(`expected numbers, got ${quote(words[wrong])}`);
  const [classIndex, ...values] = numbers;
  if (!Number.isInteger(classIndex) || classIndex < 0)
    return problem(`expected the number of a class, got ${quote(words[0])}`);
  const numValues = values.length;
  if (numValues < 4 || (numValues > 5 && numValues % 2 === 1))
    return problem(
      `expected a box (4 numbers after the class) or a polygon (6 or more, in pairs), got ${numValues}${numValues > 5 ? ' (keypoints?)' : ''}`,
    );
  const positions = numValues === 5 ? values.slice(0, 4) : values;
  const far = positions.find((value) => value > 1 + FAR || value < -FAR);
  if (far !== undefined)
    return problem(
      `expected positions from 0 to 1, relative to the size of the image, got ${far}${far > 2 ? ' (pixels?)' : ''}`,
    );
  if (numValues > 5) return { line, classIndex, shape: { kind: 'polygon', points: positions } };
  const [cx, cy, w, h] = positions;
  if (w < 0 || h < 0) return problem(`expected a width and height from 0, got ${w} and ${h}`);
  return { line, classIndex, shape: { kind: 'box', box: [cx, cy, w, h] } };
}

/** Decimal numbers only: JavaScript also knows "0x10", and "" as 0. */
function numberOf(word: string): number {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : NaN;
}
