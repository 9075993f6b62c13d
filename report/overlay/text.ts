import { readFileSync } from 'node:fs';
import { fillOutline } from './fill-outline.js';
import { needsShaping, outlineOf, type GlyphOutline } from './fonts.js';
import { coverage, fillShape, type Picture, type Rgb } from './picture.js';
import { drawShaped, shapedText, type ShapedText } from './shaped-text.js';

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
  const isTooLong = ({ at, width }: PlacedCharacter): boolean => (at + width) * sizePx > maxWidthPx;
  const last = drawn.at(-1);
  if (!last || !isTooLong(last)) return text;
  const isSimple = drawn.every(({ shaped }) => !shaped);
  const all = isSimple ? characters(text) : graphemes(text);
  const shorter = (length: number): string => `${all.slice(0, length).join('').trimEnd()}…`;
  // The first characters take no less room in the shorter text, unless they are drawn as one.
  let [fits, tooLong] = [0, isSimple ? drawn.findIndex(isTooLong) + 1 : all.length];
  while (tooLong - fits > 1) {
    const length = (fits + tooLong) >> 1;
    if (textWidth(shorter(length), sizePx) <= maxWidthPx) fits = length;
    else tooLong = length;
  }
  return shorter(fits);
}

/** Whether all characters of a text have a glyph: of the stroke font, the bundled font or a font of the system. */
export function canDraw(text: string): boolean {
  return piecesOf(text).every(({ isShaped, text: piece }) =>
    isShaped ? shapedText(piece) !== undefined : isSpace(piece) || hasGlyph(piece),
  );
}

/**
 * The name of a class, or its index if the name cannot be drawn. A name in a script with rules of its own is marked as a
 * unit, so that a score after it is not drawn inside it.
 */
export function drawableName(name: string, classIndex: number): string {
  if (!canDraw(name)) return `class ${classIndex}`;
  return needsShaping(name) ? `${ISOLATE}${name}${POP}` : name;
}

/**
 * Draws one line of text with soft edges. A text of characters that the stroke font lacks is drawn with the bundled font
 * or fonts of the system, by the rules of its script; characters that none of them has become question marks.
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
  for (const { stroke, outline, shaped, at: offset, width } of layOut(text)) {
    const pen = at.x + offset * sizePx;
    if (shaped) drawShaped(picture, shaped, { x: pen, y: at.y }, { sizePx, color });
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

/** A placed character, or several that are drawn as one; lengths are in units of the font size. */
interface PlacedCharacter {
  readonly at: number;
  readonly width: number;
  readonly stroke?: Glyph | undefined;
  readonly outline?: GlyphOutline | undefined;
  readonly shaped?: ShapedText | undefined;
}

/** Places the pieces of a text one after another, all characters of the stroke font, or all of outline fonts. */
function layOut(text: string): readonly PlacedCharacter[] {
  const pieces = piecesOf(text);
  const hasStrokes = pieces.every(
    (piece) => !piece.isShaped && (isSpace(piece.text) || glyphs()[piece.text]),
  );
  const sized = pieces.flatMap((piece) => {
    const shaped = piece.isShaped ? shapedText(piece.text) : undefined;
    if (shaped) return [{ width: shaped.width, advance: shaped.width, shaped }];
    return (piece.isShaped ? characters(piece.text) : [piece.text]).map((character) => {
      if (!hasStrokes) return outlined(character);
      const stroke = glyphOf(character);
      const advance = (stroke.width + GAP_UNITS) / UNITS;
      return { width: stroke.width / UNITS, advance, stroke };
    });
  });
  let at = 0;
  return sized.map(({ advance, ...placed }) => {
    const start = at;
    at += advance;
    return { ...placed, at: start };
  });
}

function outlined(character: string): Omit<PlacedCharacter, 'at'> & { readonly advance: number } {
  const outline = outlineOf(isSpace(character) ? ' ' : character) ?? outlineOf('?');
  const width = outline?.advance ?? 0;
  return { width, advance: width, outline };
}

/** A character, or several of a script whose characters are not drawn one by one. */
interface Piece {
  readonly text: string;
  readonly isShaped: boolean;
}

/** Marks of Unicode around a part of a text that keeps together, in the direction of its first letter. */
const [ISOLATE, POP] = ['\u2068', '\u2069'];
/** Punctuation at the ends of a word. */
const PUNCTUATION = /^[\p{P}\p{S}]$/u;

function piecesOf(text: string): readonly Piece[] {
  const simple = (part: string): readonly Piece[] =>
    characters(part).map((character) => ({ text: character, isShaped: false }));
  if (!needsShaping(text)) return simple(text);
  // Every second part was between marks.
  return text.split(/\u2068([^\u2069]*)\u2069?/u).flatMap((part, i) => {
    const all = [...part];
    let start = all.findIndex(needsShaping);
    if (start < 0) return simple(part);
    let end = all.findLastIndex(needsShaping) + 1;
    if (i % 2 === 1) [start, end] = [0, all.length];
    while (start > 0 && PUNCTUATION.test(all[start - 1])) start--;
    while (end < all.length && PUNCTUATION.test(all[end])) end++;
    const [before, inside, after] = [
      [0, start] as const,
      [start, end] as const,
      [end] as const,
    ].map((range) => all.slice(...range).join(''));
    const shaped = { text: visible(inside).replaceAll(/\s/gu, ' '), isShaped: true };
    return [...simple(before), shaped, ...simple(after)];
  });
}

function graphemes(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** Composed characters without those that have no form of their own, such as direction marks; joiners stay. */
function visible(text: string): string {
  return text
    .normalize('NFC')
    .replace(
      /(?![\u200c\u200d])(\p{Cf}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point})/gu,
      '',
    );
}

function characters(text: string): readonly string[] {
  return [...visible(text).replaceAll(/[\u200c\u200d]/gu, '')];
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
