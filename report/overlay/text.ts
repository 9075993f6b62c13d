import { readFileSync } from 'node:fs';
import { fillOutline } from './fill-outline.js';
import { outlineOf, type GlyphOutline } from './fonts.js';
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
  const drawn = layOut(text);
  const last = drawn.at(-1);
  return last ? (last.at + last.width) * sizePx : 0;
}

/** Returns the text, truncated with an ellipsis if it does not fit. */
export function shortenText(text: string, sizePx: number, maxWidthPx: number): string {
  const drawn = layOut(text);
  const endOf = (length: number): number => drawn[length - 1].at + drawn[length - 1].width;
  const max = maxWidthPx / sizePx;
  if (drawn.length === 0 || endOf(drawn.length) <= max) return text;
  let length = drawn.findIndex((_, i) => endOf(i + 1) > max);
  for (; length > 0; length--) {
    const shown = drawn.slice(0, length).map(({ character }) => character);
    const shorter = `${shown.join('').trimEnd()}…`;
    if (textWidth(shorter, sizePx) <= maxWidthPx) return shorter;
  }
  return '…';
}

/** Whether all characters of a text have a glyph: of the stroke font, the bundled font or a font of the system. */
export function canDraw(text: string): boolean {
  return characters(text).every((character) => isSpace(character) || hasGlyph(character));
}

/** The name of a class, or its index if the name cannot be drawn. */
export function drawableName(name: string, classIndex: number): string {
  return canDraw(name) ? name : `class ${classIndex}`;
}

/**
 * Draws one line of text with soft edges. A text of characters that the stroke font lacks is drawn with the bundled font
 * or fonts of the system; characters that none of them has become question marks.
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
  for (const { stroke, outline, at: offset, width } of layOut(text)) {
    const pen = at.x + offset * sizePx;
    if (outline) {
      const placed = outline.contours.map((points) =>
        points.map((value, i) => (i % 2 === 0 ? pen : at.y) + value * sizePx),
      );
      fillOutline(picture, placed, color);
    }
    if (!stroke || stroke.lines.length === 0) continue;
    const placed = stroke.lines.map(([x1, y1, x2, y2]) => [
      pen + (x1 - stroke.left) * scale,
      at.y - y1 * scale,
      pen + (x2 - stroke.left) * scale,
      at.y - y2 * scale,
    ]);
    const box = {
      x: pen - half,
      y: at.y - 16 * scale - half,
      width: width * sizePx + 2 * half,
      height: 21 * scale + 2 * half,
    };
    fillShape(picture, box, color, (x, y) => coverage(distanceToLines(x, y, placed) - half));
  }
}

/** A placed character; lengths are in units of the font size. */
interface PlacedCharacter {
  readonly character: string;
  readonly at: number;
  readonly width: number;
  readonly stroke?: Glyph | undefined;
  readonly outline?: GlyphOutline | undefined;
}

/** Places the characters of a text one after another, all of them of the stroke font, or all of outline fonts. */
function layOut(text: string): readonly PlacedCharacter[] {
  const all = characters(text);
  const hasStrokes = all.every((character) => isSpace(character) || glyphs()[character]);
  let at = 0;
  return all.map((character) => {
    if (hasStrokes) {
      const stroke = glyphOf(character);
      const placed = { character, at, width: stroke.width / UNITS, stroke };
      at += (stroke.width + GAP_UNITS) / UNITS;
      return placed;
    }
    const outline = outlineOf(isSpace(character) ? ' ' : character) ?? outlineOf('?');
    const width = outline?.advance ?? 0;
    const placed = { character, at, width, outline };
    at += width;
    return placed;
  });
}

/** Composed characters without those that have no form of their own, such as direction marks. */
function characters(text: string): readonly string[] {
  return [
    ...text
      .normalize('NFC')
      .replace(/\p{Cf}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}/gu, ''),
  ];
}

const isSpace = (character: string): boolean => /\s/u.test(character);

function hasGlyph(character: string): boolean {
  return glyphs()[character] !== undefined || outlineOf(character) !== undefined;
}

function glyphOf(character: string): Glyph {
  let glyph = strokes.get(character);
  if (!glyph) strokes.set(character, (glyph = readGlyph(character)));
  return glyph;
}

const strokes = new Map<string, Glyph>();

function readGlyph(character: string): Glyph {
  if (isSpace(character)) return { lines: [], left: 0, width: SPACE_UNITS };
  const lines = linesOf(glyphs()[character]);
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
