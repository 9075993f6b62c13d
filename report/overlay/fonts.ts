import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { extname, join } from 'node:path';
import type { Font } from 'opentype.js';

/** Outline of a character in units of the font size, y downward from the baseline. */
export interface GlyphOutline {
  /** `x, y` of the corners of closed contours. */
  readonly contours: readonly (readonly number[])[];
  /** Distance to the next character. */
  readonly advance: number;
}

/** Scripts whose characters stand side by side from left to right, without forms that depend on their neighbors. */
const SIMPLE =
  /^(\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic}|\p{Script=Armenian}|\p{Script=Georgian}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Script=Bopomofo}|\p{Script=Common}|\p{Script=Inherited})$/u;

/** Folders of fonts of the systems. */
const FOLDERS = [
  '/usr/share/fonts',
  '/usr/local/share/fonts',
  join(homedir(), '.local/share/fonts'),
  join(homedir(), '.fonts'),
  '/System/Library/Fonts',
  '/Library/Fonts',
  join(homedir(), 'Library/Fonts'),
  'C:\\Windows\\Fonts',
];
/** Fonts that probably have many characters come first. */
const LARGE =
  /cjk|hei|gothic|ming|song|noto|wqy|droid|malgun|yu|msyh|simsun|pingfang|hiragino|unifont|dejavusans\.|arial/i;
/** Number of font files of the system that are opened at most. */
const MOST_FONTS = 40;
const CURVE_STEPS = 6;

let bundled: Font | undefined;
let ofSystem: { readonly folders: readonly string[]; readonly fonts: Generator<Font> } | undefined;
const opened: Font[] = [];
const outlines = new Map<string, GlyphOutline | undefined>();

/**
 * Outline of a character: of the bundled Noto Sans (Latin, Greek, Cyrillic), or else of a font of the system, or undefined
 * if no font has it or its script needs shaping.
 */
export function outlineOf(character: string): GlyphOutline | undefined {
  if (!outlines.has(character)) {
    const font = SIMPLE.test(character) ? fontWith(character) : undefined;
    outlines.set(character, font && readOutline(font, character));
  }
  return outlines.get(character);
}

/** Looks for fonts of the system in other folders, for tests. */
export function searchFonts(folders: readonly string[] = FOLDERS): void {
  outlines.clear();
  opened.length = 0;
  ofSystem = { folders, fonts: systemFonts(folders) };
}

/** Fonts whose glyphs stand for any character: squares with its script or number, or nothing. */
const STAND_INS = /last ?resort|fallback|adobe-?blank|notdef/i;

function fontWith(character: string): Font | undefined {
  const has = (font: Font): boolean => draws(font, character);
  bundled ??= parse(readFileSync(new URL('./noto-sans.ttf', import.meta.url)));
  if (has(bundled)) return bundled;
  const known = opened.find(has);
  if (known) return known;
  ofSystem ??= { folders: FOLDERS, fonts: systemFonts(FOLDERS) };
  for (let next = ofSystem.fonts.next(); !next.done; next = ofSystem.fonts.next()) {
    opened.push(next.value);
    if (has(next.value)) return next.value;
  }
  return undefined;
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

/** Opens the fonts of the system one after another, the largest kinds first; those that cannot be read are left out. */
function* systemFonts(folders: readonly string[]): Generator<Font> {
  const files = folders.flatMap((folder) => fontFiles(folder, 4));
  const ordered = [
    ...files.filter((file) => LARGE.test(file)),
    ...files.filter((file) => !LARGE.test(file)),
  ];
  for (const file of ordered.slice(0, MOST_FONTS)) {
    let font: Font | undefined;
    try {
      font = parse(firstOfCollection(readFileSync(file)));
    } catch {
      continue; // another format, or a damaged file
    }
    yield font;
  }
}

function fontFiles(folder: string, depth: number): readonly string[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return depth > 0 ? fontFiles(path, depth - 1) : [];
      const isFont = ['.ttf', '.otf', '.ttc'].includes(extname(entry.name).toLowerCase());
      const isUsable = isFont && !STAND_INS.test(entry.name);
      return isUsable && !/bold|italic|oblique|mono/i.test(entry.name) ? [path] : [];
    });
  } catch {
    return []; // a folder without permission
  }
}

/** The first font of a collection (`.ttc`), or the file itself: offsets of tables count from the start of the file. */
function firstOfCollection(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 0, 4) !== 'ttcf') return bytes;
  const at = bytes.readUInt32BE(12);
  const length = 12 + 16 * bytes.readUInt16BE(at + 4);
  const font = Buffer.from(bytes);
  bytes.copy(font, 0, at, at + length);
  return font;
}

/** The parser is loaded with the first font, because few pictures need one. */
function parse(bytes: Buffer): Font {
  const opentype = createRequire(import.meta.url)('opentype.js') as typeof import('opentype.js');
  const { buffer, byteOffset, byteLength } = bytes;
  return opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength), { lowMemory: true });
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
