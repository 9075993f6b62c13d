import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Picture, Rgb } from '../../../report/overlay/picture.js';
import { blankPicture, enlargePicture, fillRectangle } from '../../../report/overlay/picture.js';
import { searchFonts } from '../../../report/overlay/fonts.js';
import {
  canDraw,
  drawableName,
  drawText,
  glyphs,
  shortenText,
  textWidth,
} from '../../../report/overlay/text.js';

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** Black text on white; darkness of every pixel, 0–255. */
function ink(text: string, sizePx = 20): { readonly picture: Picture; readonly dark: number[] } {
  const picture = blankPicture(120, 40, WHITE);
  drawText(picture, text, { x: 10, y: 30 }, { sizePx, color: BLACK });
  return {
    picture,
    dark: Array.from({ length: 120 * 40 }, (_, i) => 255 - picture.data[3 * i]),
  };
}

const opentype = createRequire(import.meta.url)('opentype.js') as typeof import('opentype.js');

/** A font whose characters are bars of 0.1 to 0.4 of the size, as high as given, in thousandths. */
function fontOfBars(familyName: string, heights: Readonly<Record<string, number>>): Buffer {
  const glyphOf = (name: string, height: number, unicode?: number): opentype.Glyph => {
    const bar = new opentype.Path();
    bar.moveTo(100, 0);
    bar.lineTo(400, 0);
    bar.lineTo(400, height);
    bar.lineTo(100, height);
    bar.close();
    return new opentype.Glyph({ name, unicode, advanceWidth: 500, path: bar });
  };
  const glyphs = Object.entries(heights).map(([character, height], i) =>
    glyphOf(`bar${i}`, height, character.codePointAt(0)),
  );
  const font = new opentype.Font({
    familyName,
    styleName: 'Regular',
    unitsPerEm: 1000,
    ascender: 800,
    descender: -200,
    glyphs: [glyphOf('.notdef', 1), ...glyphs],
  });
  return Buffer.from(font.toArrayBuffer());
}

/** A collection (`.ttc`) of one font with one character. */
function collectionWith(character: string): Buffer {
  const bytes = fontOfBars('Cats', { [character]: 700 });
  const header = Buffer.alloc(16);
  header.write('ttcf', 0, 'latin1');
  header.writeUInt32BE(0x10000, 4);
  header.writeUInt32BE(1, 8);
  header.writeUInt32BE(16, 12);
  const numTables = bytes.readUInt16BE(4);
  for (let i = 0; i < numTables; i++) {
    const at = 12 + 16 * i + 8;
    bytes.writeUInt32BE(bytes.readUInt32BE(at) + header.length, at);
  }
  return Buffer.concat([header, bytes]);
}

describe('text', () => {
  test('has a glyph for all of printable ASCII', () => {
    for (let code = 33; code < 127; code++)
      expect(glyphs()[String.fromCharCode(code)], String.fromCharCode(code)).toBeDefined();
  });

  test('no two characters look alike', () => {
    const seen = new Map<string, string>();
    for (const character of Object.keys(glyphs()).filter((c) => !'–−'.includes(c))) {
      const drawn = ink(character, 32).dark.join();
      expect(seen.get(drawn), character).toBeUndefined();
      seen.set(drawn, character);
    }
  });

  test('an l is a line on the baseline, 0.7 of the size high', () => {
    const { dark } = ink('l');
    const rows = Array.from({ length: 40 }, (_, y) => dark.slice(120 * y, 120 * (y + 1)));
    const inked = rows.flatMap((row, y) => (row.some((v) => v > 127) ? [y] : []));
    expect(inked[0]).toBe(15); // 30 − 14, less half a stroke
    expect(inked[inked.length - 1]).toBe(30);
    expect(rows[20].filter((v) => v > 0).length).toBeLessThanOrEqual(3);
  });

  test('stays within its width', () => {
    const { dark } = ink('Wave 8');
    const right = Math.max(...dark.map((v, i) => (v > 0 ? i % 120 : 0)));
    expect(right).toBeLessThanOrEqual(Math.ceil(10 + textWidth('Wave 8', 20)) + 1);
    expect(right).toBeGreaterThanOrEqual(Math.floor(10 + textWidth('Wave 8', 20)) - 2);
  });

  test('keeps accents, also of letters composed of two characters', () => {
    const [e, acute, composed] = ['e', 'é', 'e\u0301'].map((text) => ink(`${text}ж`, 24));
    expect(acute.dark).not.toEqual(e.dark);
    expect(composed.dark).toEqual(acute.dark);
    const inkAbove = ({ dark }: typeof acute): number =>
      dark.slice(0, 120 * 16).reduce((sum, value) => sum + value, 0);
    expect(inkAbove(acute)).toBeGreaterThan(inkAbove(e) + 255);
  });

  test('draws Latin, Greek and Cyrillic letters of the bundled font, all different', () => {
    const letters = [...'éüñçåşğıłőřșčžđþŵſαβγδωΩЖШЩЫЯждфєїґћ'];
    expect(letters.every(canDraw)).toBe(true);
    expect(new Set(letters.map((letter) => ink(letter, 32).dark.join())).size).toBe(letters.length);
  });

  test('an O of the bundled font has a hole, and its height is that of the stroke font', () => {
    const { dark } = ink('Ож', 30); // Cyrillic
    const rows = Array.from({ length: 40 }, (_, y) => dark.slice(120 * y, 120 * y + 33));
    const inked = rows.flatMap((row, y) => (row.some((v) => v > 127) ? [y] : []));
    expect([inked[0], inked.at(-1)]).toEqual([8, 29]);
    const middle = rows[19];
    const [first, last] = [middle.findIndex((v) => v > 200), middle.findLastIndex((v) => v > 200)];
    expect(last - first).toBeGreaterThan(12);
    expect(Math.max(...middle.slice(first + 6, last - 5))).toBe(0);
  });

  test('what no font has is never a square: the name becomes the index of the class', () => {
    searchFonts([]);
    expect(['猫', 'แมว', 'قط', 'हाथी', '🐈', '\uE000'].filter(canDraw)).toEqual([]);
    expect(drawableName('猫 cat', 7)).toBe('class 7');
    expect(drawableName('écrou', 7)).toBe('écrou');
    expect(ink('猫').dark).toEqual(ink('国').dark);
    expect(ink('猫').dark.some((v) => v > 0)).toBe(true);
    searchFonts();
  });

  test('other scripts are drawn with a font of the system that has them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'convnextv2-fonts-'));
    mkdirSync(join(folder, 'truetype'));
    writeFileSync(join(folder, 'damaged.ttf'), 'no font');
    writeFileSync(join(folder, 'truetype', 'cats.ttc'), collectionWith('猫'));
    searchFonts([folder]);
    expect([canDraw('猫'), canDraw('国')]).toEqual([true, false]);
    // Its glyph is a bar from the baseline to the height of capitals.
    const { dark } = ink('猫', 20);
    expect([dark[120 * 20 + 12], dark[120 * 20 + 25], dark[120 * 31 + 12]]).toEqual([255, 0, 0]);
    searchFonts();
    rmSync(folder, { recursive: true });
  });

  test('a script of its own rules is drawn by them: from right to left, with the score after it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'convnextv2-fonts-'));
    const bars = { א: 700, ב: 300, H: 700, ' ': 0 };
    writeFileSync(join(folder, 'hebrew.ttf'), fontOfBars('Bars of Hebrew', bars));
    searchFonts([folder]);
    expect([canDraw('אב'), canDraw('אבג'), canDraw('אב\u0001'), canDraw('قط')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const name = drawableName('אב', 7);
    const { dark } = ink(`${name} 1`, 40);
    const heights = Array.from(
      { length: 120 },
      (_, x) =>
        Array.from({ length: 31 }, (_, y) => dark[120 * y + x]).filter((v) => v > 127).length,
    );
    // The second letter is low and left of the first one; the figure of the score is at the right.
    const bounds = heights.map((h) => (h === 0 ? ' ' : h < 14 ? 'b' : 'A')).join('');
    expect(bounds.trim()).toMatch(/^b{11,13} +A{11,13} +\S/);
    expect(Math.abs(textWidth(name, 40) - 40 * (0.8 + 0.1))).toBeLessThan(1);
    expect(shortenText('אבאבאבאבאב', 40, 100)).toMatch(/^(אב){1,3}א?…$/);
    searchFonts();
    rmSync(folder, { recursive: true });
  });

  test('a name of 3,000 characters is shortened at once', () => {
    const start = performance.now();
    for (const text of ['a'.repeat(3000), 'é'.repeat(3000)]) {
      const short = shortenText(text, 20, 200);
      expect(short.endsWith('…')).toBe(true);
      expect(textWidth(short, 20)).toBeLessThanOrEqual(200);
      expect(textWidth(`${text.slice(0, short.length)}…`, 20)).toBeGreaterThan(200);
    }
    expect(performance.now() - start).toBeLessThan(500);
  });

  test('figures are equally wide', () => {
    const widths = [...'0123456789'].map((figure) => textWidth(figure, 20));
    for (const width of widths) expect(width).toBeCloseTo(widths[0], 9);
  });

  test('spaces and empty texts draw nothing', () => {
    expect(ink(' ').dark.every((v) => v === 0)).toBe(true);
    expect(textWidth('', 20)).toBe(0);
  });

  test('is shortened to what fits', () => {
    expect(shortenText('giraffe', 20, 500)).toBe('giraffe');
    const short = shortenText('giraffe', 20, 50);
    expect(short).toMatch(/^gi.*…$/);
    expect(textWidth(short, 20)).toBeLessThanOrEqual(50);
    expect(shortenText('giraffe', 20, 1)).toBe('…');
  });
});

describe('rectangles', () => {
  test('cover pixels by the partial result that is inside', () => {
    const picture = blankPicture(4, 3, WHITE);
    const box = { x: 1, y: 1, width: 1.5, height: 1 };
    fillRectangle(picture, box, { color: BLACK, alpha: 1, radiusPx: 0 });
    expect([...picture.data.subarray(12, 24)].filter((_, i) => i % 3 === 0)).toEqual([
      255, 0, 128, 255,
    ]);
    expect(picture.data.subarray(0, 12)).toEqual(new Uint8Array(12).fill(255));
  });
});

describe('enlarging', () => {
  test('interpolates between pixels and keeps the corners', () => {
    const picture = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 100, 100, 100) };
    const { width, height, data } = enlargePicture(picture, 2);
    expect([width, height]).toEqual([4, 2]);
    expect([...data].filter((_, i) => i % 3 === 0)).toEqual([0, 25, 75, 100, 0, 25, 75, 100]);
  });

  test('a picture with missing bytes is rejected', () => {
    expect(() => enlargePicture({ width: 2, height: 2, data: new Uint8Array(9) }, 2)).toThrow(
      'picture: expected 12 bytes for 2x2, got 9',
    );
  });
});
