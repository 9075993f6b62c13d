import { describe, expect, test } from 'vitest';
import { blendLabels } from '../../../report/overlay/labels.js';
import { appendLegend } from '../../../report/overlay/legend.js';
import { blankPicture, type Rgb } from '../../../report/overlay/picture.js';

const BLACK: Rgb = [0, 0, 0];
const red = ({ data }: { readonly data: Uint8Array }): number[] =>
  [...data].filter((_, i) => i % 3 === 0);

describe('blendLabels', () => {
  const palette = (k: number): Rgb => [100 * k, 0, 0];

  test('mixes the color of each class in, and lightens where classes meet', () => {
    const labels = { width: 4, height: 1, data: Uint8Array.of(1, 1, 2, 2) };
    const out = blendLabels(blankPicture(4, 1, BLACK), labels, palette, { opacity: 0.5 });
    expect(red(out)).toEqual([50, 173, 100, 100]); // 50 + 0.6 · (255 − 50)
  });

  test('leaves ignored pixels as they are', () => {
    const labels = { width: 2, height: 2, data: Uint8Array.of(255, 255, 255, 255) };
    expect(red(blendLabels(blankPicture(2, 2, [9, 9, 9]), labels, palette))).toEqual([9, 9, 9, 9]);
  });

  test('labels of another size are rejected', () => {
    const labels = { width: 2, height: 1, data: Uint8Array.of(1, 1) };
    expect(() => blendLabels(blankPicture(2, 2, BLACK), labels)).toThrow(
      'blendLabels: expected labels of 2x2, got 2x1',
    );
  });
});

describe('appendLegend', () => {
  const picture = blankPicture(300, 100, BLACK);
  const entries = (count: number): { color: Rgb; text: string }[] =>
    Array.from({ length: count }, (_, i) => ({ color: [200, i, 0], text: `class ${i}` }));

  test('keeps the picture and puts swatches below', () => {
    const out = appendLegend(picture, entries(5));
    expect(out.width).toBe(300);
    expect(out.data.subarray(0, picture.data.length)).toEqual(picture.data);
    for (let i = 0; i < 5; i++) {
      const shown = red(out).some((r, p) => r === 200 && out.data[3 * p + 1] === i);
      expect(shown, `class ${i}`).toBe(true);
    }
  });

  test('grows downwards with the number of classes, one column at least', () => {
    const few = appendLegend(picture, entries(2)).height;
    const many = appendLegend(picture, entries(40)).height;
    expect(many).toBeGreaterThan(few);
    const narrow = appendLegend(blankPicture(20, 20, BLACK), entries(2));
    expect(narrow.width).toBe(20);
  });

  test('no classes, no legend', () => {
    expect(appendLegend(picture, [])).toBe(picture);
  });
});
