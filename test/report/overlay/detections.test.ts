import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../../core/errors.js';
import { encodeRle } from '../../../core/rle.js';
import { classColor, luminance, textColorOn } from '../../../report/overlay/colors.js';
import { drawDetections, type DrawnDetection } from '../../../report/overlay/detections.js';
import { drawMask } from '../../../report/overlay/masks.js';
import { blankPicture, type Picture, type Rgb } from '../../../report/overlay/picture.js';
import { readingFactor } from '../../../report/overlay/sizes.js';
import { placeTags } from '../../../report/overlay/tags.js';

const GRAY: Rgb = [128, 128, 128];
const pixel = ({ width, data }: Picture, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];
const isBlank = ({ data }: Picture): boolean => data.every((value) => value === 128);
const square = (size: number, from: number, to: number): Uint8Array =>
  Uint8Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return Number(x >= from && x < to && y >= from && y < to);
  });
const detection = (box: readonly number[], more: Partial<DrawnDetection> = {}): DrawnDetection => ({
  box,
  classIndex: 3,
  label: 'kite',
  score: 0.87,
  ...more,
});

describe('colors', () => {
  test('are the same every time, and no two of 80 classes have the same', () => {
    const all = Array.from({ length: 80 }, (_, k) => classColor(k));
    expect(new Set(all.map(String)).size).toBe(80);
    expect(classColor(7)).toEqual(all[7]);
  });

  test('neighboring classes are far apart', () => {
    for (let k = 0; k < 79; k++) {
      const [a, b] = [classColor(k), classColor(k + 1)];
      const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      expect(distance).toBeGreaterThan(100);
    }
  });

  test('text on them has a contrast of at least 4.5', () => {
    for (let k = 0; k < 200; k++) {
      const color = classColor(k);
      const [a, b] = [luminance(color), luminance(textColorOn(color))];
      expect((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)).toBeGreaterThan(4.5);
    }
  });
});

describe('masks', () => {
  const style = { color: [255, 0, 0] as Rgb, opacity: 0.5, linePx: 2 };
  const mask = encodeRle(square(60, 20, 40), 60, 60);

  test('shine through inside, have a full line at the edge, and leave the rest alone', () => {
    const picture = blankPicture(60, 60, GRAY);
    drawMask(picture, mask, 1, style);
    expect(pixel(picture, 30, 30)).toEqual([192, 64, 64]);
    expect(pixel(picture, 20, 30)[0]).toBeGreaterThan(225);
    expect(pixel(picture, 10, 30)).toEqual(GRAY);
    expect(pixel(picture, 30, 45)).toEqual(GRAY);
  });

  test('grow with an enlarged picture', () => {
    const picture = blankPicture(240, 240, GRAY);
    drawMask(picture, mask, 4, style);
    expect(pixel(picture, 120, 120)).toEqual([192, 64, 64]);
    expect(pixel(picture, 40, 120)).toEqual(GRAY);
  });

  test('of one pixel are seen, at the picture’s edge too; empty ones draw nothing', () => {
    const picture = blankPicture(60, 60, GRAY);
    drawMask(picture, encodeRle(square(60, 0, 1), 60, 60), 1, style);
    expect(pixel(picture, 0, 0)[0]).toBeGreaterThan(180);
    const untouched = blankPicture(60, 60, GRAY);
    drawMask(untouched, encodeRle(new Uint8Array(3600), 60, 60), 1, style);
    expect(untouched).toEqual(blankPicture(60, 60, GRAY));
  });

  test('that fill the whole picture color all of it', () => {
    const picture = blankPicture(60, 60, GRAY);
    drawMask(picture, encodeRle(square(60, 0, 60), 60, 60), 1, style);
    expect(pixel(picture, 30, 30)).toEqual([192, 64, 64]);
    expect(pixel(picture, 59, 59)[0]).toBeGreaterThan(190);
  });
});

describe('tags', () => {
  const bounds = { width: 200, height: 100 };

  test('a lone tag sits on top of its box', () => {
    const box = { x: 40, y: 50, width: 60, height: 30 };
    expect(placeTags([{ width: 30, height: 10, box }], bounds)).toEqual([
      { x: 40, y: 40, width: 30, height: 10 },
    ]);
  });

  test('at the top of the picture it goes inside the box', () => {
    const box = { x: 40, y: 0, width: 60, height: 80 };
    expect(placeTags([{ width: 30, height: 10, box }], bounds)[0]).toMatchObject({ x: 40, y: 0 });
  });

  test('boxes at one place get tags that do not hide each other', () => {
    const box = { x: 60, y: 40, width: 60, height: 40 };
    const places = placeTags(
      Array.from({ length: 6 }, () => ({ width: 30, height: 10, box })),
      bounds,
    );
    places.forEach((a, i) =>
      places.slice(0, i).forEach((b) => {
        const apart =
          a.x >= b.x + b.width ||
          b.x >= a.x + a.width ||
          a.y >= b.y + b.height ||
          b.y >= a.y + a.height;
        expect(apart).toBe(true);
      }),
    );
  });

  test('every tag gets one place, inside the picture where it fits', () => {
    const box = fc.record({
      x: fc.integer({ min: -50, max: 250 }),
      y: fc.integer({ min: -50, max: 150 }),
      width: fc.integer({ min: 0, max: 300 }),
      height: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(box, { maxLength: 30 }), (boxes) => {
        const places = placeTags(
          boxes.map((b) => ({ width: 40, height: 12, box: b })),
          bounds,
        );
        expect(places.length).toBe(boxes.length);
        for (const { x, y, width, height } of places) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(y).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(bounds.width);
          expect(y + height).toBeLessThanOrEqual(bounds.height);
        }
      }),
    );
  });
});

describe('detections', () => {
  test('box, tag and mask have the color of the class; far away nothing changes', () => {
    const picture = blankPicture(600, 400, GRAY);
    const drawn = drawDetections(picture, [detection([200, 100, 400, 300])]);
    expect(isBlank(picture)).toBe(true);
    const near = (actual: readonly number[], expected: readonly number[]): void =>
      actual.forEach((value, c) => expect(Math.abs(value - expected[c])).toBeLessThan(30));
    near(pixel(drawn, 200, 200), classColor(3));
    near(pixel(drawn, 202, 97), classColor(3)); // the tag, left of its text
    expect(pixel(drawn, 300, 200)).toEqual(GRAY);
    expect(pixel(drawn, 500, 350)).toEqual(GRAY);
  });

  test('a Buffer is copied, not drawn on', () => {
    const data = Buffer.alloc(600 * 400 * 3, 128);
    drawDetections({ width: 600, height: 400, data }, [detection([200, 100, 400, 300])]);
    expect(data.every((value) => value === 128)).toBe(true);
  });

  test('small pictures are enlarged by a whole factor, large ones keep their size', () => {
    expect(readingFactor({ width: 96, height: 64 })).toBe(6);
    expect(readingFactor({ width: 1, height: 1 })).toBe(8);
    expect(readingFactor({ width: 4000, height: 3000 })).toBe(1);
    const drawn = drawDetections(blankPicture(96, 64, GRAY), [detection([10, 10, 50, 50])]);
    expect([drawn.width, drawn.height]).toEqual([576, 384]);
  });

  test.each([
    ['1×1 pixel', 1, 1],
    ['a thin strip', 900, 3],
    ['a tower', 3, 900],
  ])('%s can be drawn on, with boxes beyond it and without area', (_, width, height) => {
    const drawn = drawDetections(blankPicture(width, height, GRAY), [
      detection([0, 0, width, height], { label: 'a name that is longer than the picture' }),
      detection([-5, -5, 2 * width, 3 * height], { classIndex: 9 }),
      detection([1, 1, 1, 1]),
    ]);
    expect(drawn.data.some((value) => value !== 128)).toBe(true);
  });

  test('no detections give the picture', () => {
    const picture = blankPicture(600, 400, GRAY);
    expect(isBlank(drawDetections(picture, []))).toBe(true);
  });

  test('a mask of another size is rejected', () => {
    const mask = encodeRle(new Uint8Array(12), 3, 4);
    expect(() =>
      drawDetections(blankPicture(600, 400, GRAY), [detection([0, 0, 9, 9], { mask })]),
    ).toThrow(ShapeError);
  });
});
