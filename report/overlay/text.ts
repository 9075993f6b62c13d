import { readFileSync } from 'node:fs';
import { coverage, fillShape, type Picture, type Rgb } from './picture.js';

/** Glyph units per font size. */
const UNITS = 20;
const GAP_UNITS = 3.4;
const SPACE_UNITS = 5;
/** Digits have equal widths, so that columns of numbers are aligned. */
const FIGURE_UNITS = 8.4;
/** Height of capitals as a fraction of the font size. */
export const CAP_HEIGHT = 14 / UNITS;
const DEGREES_A_STEP = 12;

/** Width of the strokes as a fraction of the font size. */
const STROKE = 0.095;
/** Glyph for unknown characters. */
const UNKNOWN_GLYPH = 'L 0 0 0 14 8 14 8 0 0 0';

let loaded: Readonly<Record<string, string>> | undefined;

/**
 * Custom stroke font, so that pictures look the same on every machine, with or without fonts. A glyph is a list of
 * strokes in units of 1/20 of the font size, y upward from the baseline: capitals are 14 high, lowercase letters 10, and
 * descenders reach −4. `L x y x y …` is a line through points, `A x y rx ry from to` an arc of an ellipse around (x, y)
 * in degrees, counterclockwise from the right.
 */
export function glyphs(): Readonly<Record<string, string>> {
  const file = new URL('./glyphs.json', import.meta.url);
  return (loaded ??= JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>);
}

/** Options of drawing text. */
interface TextStyle {
  /** Font size in pixels; capitals are 0.7 of it high. */
  readonly sizePx: number;
  readonly color: Rgb;
}

/** Lines of a glyph: `[x1, y1, x2, y2]` each, in units. */
interface Glyph {
  readonly lines: readonly (readonly number[])[];
  readonly left: number;
  readonly width: number;
}

/** Width of a text in pixels. */
export function textWidth(text: string, sizePx: number): number {
  const glyphs = characters(text).map(glyphOf);
  const units = glyphs.reduce((sum, { width }) => sum + width + GAP_UNITS, 0);
  return (Math.max(0, units - GAP_UNITS) * sizePx) / UNITS;
}

/** Returns the text, truncated with an ellipsis if it does not fit. */
export function shortenText(text: string, sizePx: number, maxWidthPx: number): string {
  if (textWidth(text, sizePx) <= maxWidthPx) return text;
  const all = characters(text);
  for (let length = all.length - 1; length > 0; length--) {
    const shorter = `${all.slice(0, length).join('').trimEnd()}…`;
    if (textWidth(shorter, sizePx) <= maxWidthPx) return shorter;
  }
  return '…';
}

/**
 * Draws one line of text with soft edges. Accents are dropped; characters without a glyph become an empty box.
 *
 * @param at left end of the baseline, pixels
 */
export function drawText(
  picture: Picture,
  text: string,
  at: { readonly x: number; readonly y: number },
  { sizePx, color }: TextStyle,
): void {
  const scale = sizePx / UNITS;
  const half = Math.max(STROKE * sizePx, 1) / 2;
  let pen = at.x;
  for (const character of characters(text)) {
    const { lines, left, width } = glyphOf(character);
    const placed = lines.map(([x1, y1, x2, y2]) => [
      pen + (x1 - left) * scale,
      at.y - y1 * scale,
      pen + (x2 - left) * scale,
      at.y - y2 * scale,
    ]);
    const box = {
      x: pen - half,
      y: at.y - 16 * scale - half,
      width: width * scale + 2 * half,
      height: 21 * scale + 2 * half,
    };
    if (placed.length > 0)
      fillShape(picture, box, color, (x, y) => coverage(distanceToLines(x, y, placed) - half));
    pen += (width + GAP_UNITS) * scale;
  }
}

function characters(text: string): readonly string[] {
  // Composed letters are decomposed into letter and accents, and the accents dropped.
  return [...text.normalize('NFD').replace(/\p{M}/gu, '')];
}

function glyphOf(character: string): Glyph {
  if (/\s/u.test(character)) return { lines: [], left: 0, width: SPACE_UNITS };
  const lines = linesOf(glyphs()[character] ?? UNKNOWN_GLYPH);
  const xs = lines.flatMap(([x1, , x2]) => [x1, x2]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const isFigure = /\d/.test(character);
  const slack = isFigure ? Math.max(0, FIGURE_UNITS - (right - left)) / 2 : 0;
  return { lines, left: left - slack, width: right - left + 2 * slack };
}

function linesOf(path: string): readonly (readonly number[])[] {
  const strokes = path.split(/(?=[LA])/);
  return strokes.flatMap((stroke) => {
    const numbers = stroke.slice(1).trim().split(/\s+/).map(Number);
    const points = stroke.startsWith('L') ? pairs(numbers) : arcPoints(numbers);
    return points.slice(1).map((point, i) => [...points[i], ...point]);
  });
}

function pairs(numbers: readonly number[]): readonly (readonly number[])[] {
  return Array.from({ length: numbers.length / 2 }, (_, i) => numbers.slice(2 * i, 2 * i + 2));
}

function arcPoints([x, y, rx, ry, from, to]: readonly number[]): readonly (readonly number[])[] {
  const steps = Math.ceil((to - from) / DEGREES_A_STEP);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });
}

function distanceToLines(x: number, y: number, lines: readonly (readonly number[])[]): number {
  let least = Infinity;
  for (const [x1, y1, x2, y2] of lines) {
    const [dx, dy] = [x2 - x1, y2 - y1];
    const length = dx * dx + dy * dy;
    const along = length > 0 ? ((x - x1) * dx + (y - y1) * dy) / length : 0;
    const t = Math.min(Math.max(along, 0), 1);
    const [ex, ey] = [x - x1 - t * dx, y - y1 - t * dy];
    const distance = ex * ex + ey * ey;
    if (distance < least) least = distance;
  }
  return Math.sqrt(least);
}
