import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Font } from 'opentype.js';
import { parseFont } from '../../io/font/parse.js';

/** A font of the system. */
export interface FontFile {
  readonly file: string;
  readonly font: Font;
}

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
/** Scripts and names of the files of their fonts, which come before all others. */
const OF_SCRIPT: readonly (readonly [RegExp, RegExp])[] = [
  [/\p{Script=Arabic}/u, /arab|naskh|kufi|amiri|geeza|segoeui\.|tahoma\.|dejavusans\./i],
  [/\p{Script=Hebrew}/u, /hebrew|arialhb|segoeui\.|tahoma\.|dejavusans\./i],
  [/\p{Script=Thai}/u, /thai|thonburi|leelaw|garuda|loma|waree|sarabun/i],
  [/\p{Script=Devanagari}/u, /devanagari|kohinoor|mangal|nirmala|lohit|gargi/i],
  [/\p{Script=Bengali}/u, /bengali|bangla|vrinda|nirmala|lohit/i],
  [/\p{Script=Tamil}/u, /tamil|latha|nirmala|lohit/i],
  [/\p{Script=Telugu}/u, /telugu|gautami|nirmala|lohit/i],
  [/\p{Script=Kannada}/u, /kannada|tunga|nirmala|lohit/i],
  [/\p{Script=Malayalam}/u, /malayalam|kartika|nirmala|lohit|rachana|meera/i],
  [/\p{Script=Gujarati}/u, /gujarati|shruti|nirmala|lohit/i],
  [/\p{Script=Gurmukhi}/u, /gurmukhi|raavi|nirmala|lohit/i],
  [/\p{Script=Sinhala}/u, /sinhala|iskpota|nirmala|lklug/i],
  [/\p{Script=Khmer}/u, /khmer|leelaw|daun/i],
  [/\p{Script=Lao}/u, /lao|leelaw|phetsarath/i],
  [/\p{Script=Myanmar}/u, /myanmar|mmrtext|padauk/i],
  [/\p{Script=Ethiopic}/u, /ethiop|ebrima|nyala|kefa|abyssinica/i],
  [/\p{Script=Tibetan}/u, /tibet|himalaya|kailasa/i],
];
/** Fonts whose glyphs stand for any character: squares with its script or number, or nothing. */
const STAND_INS = /last ?resort|fallback|adobe-?blank|notdef/i;
/** Number of font files of the system that are opened at most for a character. */
const MOST_FONTS = 40;

let folders: readonly string[] = FOLDERS;
let files: readonly string[] | undefined;
/** Fonts by file; undefined for those that cannot be read. */
const opened = new Map<string, Font | undefined>();

/** Looks for fonts in other folders from now on. */
export function useFontFolders(other: readonly string[] = FOLDERS): void {
  folders = other;
  files = undefined;
  opened.clear();
}

/** Finds a font of the system. @param character one of those that it must have: fonts for its script are looked at first */
export function systemFontWith(
  character: string,
  has: (font: Font) => boolean,
): FontFile | undefined {
  for (const [file, font] of opened) if (font && has(font)) return { file, font };
  files ??= folders.flatMap((folder) => fontFiles(folder, 4));
  const [, ofScript] = OF_SCRIPT.find(([script]) => script.test(character)) ?? [];
  const rankOf = (file: string): number =>
    ofScript?.test(basename(file)) ? 0 : LARGE.test(file) ? 1 : 2;
  const ordered = files.toSorted((a, b) => rankOf(a) - rankOf(b));
  for (const file of ordered.slice(0, MOST_FONTS)) {
    if (opened.has(file)) continue;
    const font = openFont(file);
    opened.set(file, font);
    if (font && has(font)) return { file, font };
  }
  return undefined;
}

function openFont(file: string): Font | undefined {
  try {
    return parseFont(readFileSync(file));
  } catch {
    return undefined; // another format, or a damaged file
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
