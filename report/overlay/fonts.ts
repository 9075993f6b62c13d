import { readFileSync } from 'node:fs';
import type { Font } from 'opentype.js';
import { parseFont } from '../../io/font/parse.js';
import { systemFontWith, useFontFolders } from './system-fonts.js';

/** Outline of a character in units of the font size, y downward from the baseline. */
export interface GlyphOutline {
  /** `x, y` of the corners of closed contours. */
  readonly contours: readonly (readonly number[])[];
  /** Distance to the next character. */
  readonly advance: number;
}

/** A character of another script than those whose characters stand side by side from left to right, each in one form. */
const SHAPED =
  /[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Georgian}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]/u;
/** Characters without a form of their own. */
const INVISIBLE = /\s|\p{Default_Ignorable_Code_Point}/u;
const CURVE_STEPS = 6;

let bundled: Font | undefined;
const outlines = new Map<string, GlyphOutline | undefined>();
const textFonts = new Map<string, TextFont | undefined>();

/** A font as Pango finds it. */
interface TextFont {
  readonly file: string;
  /** Name of its family. */
  readonly family: string;
}

/**
 * Outline of a character: of the bundled Noto Sans (Latin, Greek, Cyrillic), or else of a font of the system, or undefined
 * if no font has it or its script needs shaping.
 */
export function outlineOf(character: string): GlyphOutline | undefined {
  if (!outlines.has(character)) {
    const font = needsShaping(character) ? undefined : fontWith(character);
    outlines.set(character, font && readOutline(font, character));
  }
  return outlines.get(character);
}

/** Whether the form or place of a character in a text depends on its neighbors, or its script runs from right to left. */
export function needsShaping(text: string): boolean {
  return SHAPED.test(text);
}

/** Finds a font of the system for a text: undefined unless it has all characters that need shaping, and some font the others. */
export function fontFileWith(text: string): TextFont | undefined {
  if (!textFonts.has(text)) {
    const characters = [...text].filter((character) => !INVISIBLE.test(character));
    const shaped = characters.filter(needsShaping);
    const found = systemFontWith(shaped[0] ?? '', (font) => shaped.every((c) => draws(font, c)));
    // Pango takes what the font lacks from others.
    const isComplete = characters.every((c) => systemFontWith(c, (font) => draws(font, c)));
    const family = found?.font.getEnglishName('fontFamily');
    textFonts.set(text, isComplete && found && family ? { file: found.file, family } : undefined);
  }
  return textFonts.get(text);
}

/** Looks for fonts of the system in other folders, for tests. */
export function searchFonts(folders?: readonly string[]): void {
  outlines.clear();
  textFonts.clear();
  useFontFolders(folders);
}

function fontWith(character: string): Font | undefined {
  const has = (font: Font): boolean => draws(font, character);
  bundled ??= parseFont(readFileSync(new URL('./noto-sans.ttf', import.meta.url)));
  return has(bundled) ? bundled : systemFontWith(character, has)?.font;
}

/** Whether a font has an outline of a character: color fonts have glyphs of emoji, but as pictures. */
function draws(font: Font, character: string): boolean {
  try {
    if (!(font.charToGlyphIndex(character) > 0)) return false;
    return character === ' ' || readOutline(font, character).contours.length > 0;
  } catch {
    return false; // a damaged glyph
  }
}

function readOutline(font: Font, character: string): GlyphOutline {
  const glyph = font.charToGlyph(character);
  const contours: number[][] = [];
  let points: number[] = [];
  for (const command of glyph.getPath(0, 0, 1).commands) {
    const [x0, y0] = points.slice(-2);
    switch (command.type) {
      case 'M':
        contours.push((points = [command.x, command.y]));
        break;
      case 'L':
        points.push(command.x, command.y);
        break;
      case 'Q':
      case 'C': {
        const { x1, y1, x, y } = command;
        const [x2, y2] = command.type === 'C' ? [command.x2, command.y2] : [undefined, undefined];
        for (let i = 1; i <= CURVE_STEPS; i++) {
          const t = i / CURVE_STEPS;
          points.push(bezier(t, [x0, x1, x2, x]), bezier(t, [y0, y1, y2, y]));
        }
        break;
      }
      case 'Z':
        break;
      default:
        command satisfies never;
    }
  }
  return { contours, advance: (glyph.advanceWidth ?? 0) / font.unitsPerEm };
}

/** Point of a quadratic curve (without the third value) or a cubic one. */
function bezier(
  t: number,
  [a, b, c, d]: readonly [number, number, number | undefined, number],
): number {
  const s = 1 - t;
  return c === undefined
    ? s * s * a + 2 * s * t * b + t * t * d
    : s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
}
