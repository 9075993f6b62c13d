import { describe, expect, test } from 'vitest';
import type { Picture, Rgb } from '../../../report/overlay/picture.js';
import { blankPicture, enlargePicture, fillRectangle } from '../../../report/overlay/picture.js';
import { drawText, glyphs, shortenText, textWidth } from '../../../report/overlay/text.js';

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

  test('drops accents and boxes what it does not know', () => {
    expect(ink('é').dark).toEqual(ink('e').dark);
    expect(ink('中').dark).toEqual(ink('国').dark);
    expect(ink('中').dark.some((v) => v > 0)).toBe(true);
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
