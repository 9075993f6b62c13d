import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../core/random.js';
import type { RgbImage } from '../../../core/image.js';
import type { Rect, Size } from '../../../datasets/transforms/rect.js';
import { nearestCv, resizeLinearCv } from '../../../datasets/transforms/resize-cv.js';
import { resizePil } from '../../../datasets/transforms/resize-pil.js';
import { resizeNearestCv } from './resize-nearest-cv.js';

function noise(width: number, height: number, seed = 1): RgbImage {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
  return { width, height, data };
}

/** A row of gray pixels. */
const row = (...grays: number[]): RgbImage => ({
  width: grays.length,
  height: 1,
  data: Uint8Array.from(grays.flatMap((g) => [g, g, g])),
});
const grays = ({ data }: RgbImage): number[] => [...data].filter((_, i) => i % 3 === 0);

/** The window of an image, cut out and perhaps mirrored the obvious way. */
function cut({ width, data }: RgbImage, window: Rect, mirrored: boolean): number[] {
  const out: number[] = [];
  for (let y = 0; y < window.height; y++)
    for (let x = 0; x < window.width; x++) {
      const column = window.x + (mirrored ? window.width - 1 - x : x);
      const at = ((window.y + y) * width + column) * 3;
      out.push(data[at], data[at + 1], data[at + 2]);
    }
  return out;
}

const side = fc.integer({ min: 1, max: 20 });
const sizes = fc.record({ width: side, height: side });
/** A size and a window inside it. */
const windowed = sizes.chain((size) =>
  fc
    .record({
      x: fc.nat({ max: size.width - 1 }),
      y: fc.nat({ max: size.height - 1 }),
      mirrored: fc.boolean(),
    })
    .chain(({ x, y, mirrored }) =>
      fc
        .record({
          width: fc.integer({ min: 1, max: size.width - x }),
          height: fc.integer({ min: 1, max: size.height - y }),
        })
        .map((inner) => ({ size, window: { x, y, ...inner }, mirrored })),
    ),
);

const methods: [string, (i: RgbImage, o: Parameters<typeof resizeLinearCv>[1]) => RgbImage][] = [
  ['resizePil bicubic', (image, o) => resizePil(image, { filter: 'bicubic', ...o })],
  ['resizePil bilinear', (image, o) => resizePil(image, { filter: 'bilinear', ...o })],
  ['resizeLinearCv', resizeLinearCv],
];

describe.each(methods)('%s', (_, resize) => {
  test('a window equals the crop of the whole result, flipped or not', () => {
    fc.assert(
      fc.property(sizes, windowed, (from, { size, window, mirrored }) => {
        const image = noise(from.width, from.height);
        const whole = resize(image, { size });
        const part = resize(image, { size, window, mirrored });
        expect([...part.data]).toEqual(cut(whole, window, mirrored));
      }),
    );
  });

  test('the same size gives the same image, and one color stays that color', () => {
    const image = noise(9, 7);
    expect(resize(image, { size: { width: 9, height: 7 } }).data).toEqual(image.data);
    const flat: Size = { width: 5, height: 6 };
    const gray = { ...flat, data: new Uint8Array(90).fill(137) };
    for (const size of [
      { width: 1, height: 1 },
      { width: 31, height: 2 },
    ])
      expect(new Set(resize(gray, { size }).data)).toEqual(new Set([137]));
  });

  test('a one-pixel image fills any size', () => {
    const image = { width: 1, height: 1, data: Uint8Array.of(3, 200, 90) };
    const { data } = resize(image, { size: { width: 2, height: 2 } });
    expect([...data]).toEqual([3, 200, 90, 3, 200, 90, 3, 200, 90, 3, 200, 90]);
  });

  test('writes into the buffer given and nowhere else', () => {
    const image = noise(6, 5);
    const size = { width: 4, height: 3 };
    const out = new Uint8Array(40).fill(9);
    const view = out.subarray(2);
    const { data } = resize(image, { size, out: view });
    expect([data.buffer, data.byteOffset, data.length]).toEqual([out.buffer, 2, 36]);
    expect([...out.subarray(2, 38)]).toEqual([...resize(image, { size }).data]);
    expect([...out.subarray(0, 2), ...out.subarray(38)]).toEqual([9, 9, 9, 9]);
  });

  test('rejects windows outside, sizes that are not positive, and small buffers', () => {
    const image = noise(4, 4);
    const size = { width: 4, height: 4 };
    const window = { x: 1, y: 0, width: 4, height: 4 };
    expect(() => resize(image, { size, window })).toThrow(/window inside 4x4, got 4x4 at \(1, 0\)/);
    expect(() => resize(image, { size: { width: 0, height: 4 } })).toThrow(/window inside 0x4/);
    expect(() => resize(image, { size, out: new Uint8Array(47) })).toThrow(/48 bytes, got 47/);
  });
});

describe('resizePil', () => {
  test('bilinear halving averages with a triangle: weights 1/8, 3/8, 3/8, 1/8', () => {
    // Output 1 of 4 → center 3; inputs 1 … 4 at distances 1.5, 0.5, 0.5, 1.5 of a triangle 2 wide.
    const image = row(0, 0, 8, 16, 0, 0, 0, 0);
    const { data } = resizePil(image, { filter: 'bilinear', size: { width: 4, height: 1 } });
    expect(data[3]).toBe((8 * 3 + 16 * 3) / 8);
  });

  test('bicubic enlarging overshoots next to an edge and clamps to 0 and 255', () => {
    const edge = row(0, 0, 0, 255, 255, 255);
    const up = grays(resizePil(edge, { filter: 'bicubic', size: { width: 24, height: 1 } }));
    expect(up[0]).toBe(0);
    expect(up[23]).toBe(255);
    const soft = row(50, 50, 50, 200, 200, 200);
    const over = grays(resizePil(soft, { filter: 'bicubic', size: { width: 24, height: 1 } }));
    expect(Math.min(...over)).toBeLessThan(50);
    expect(Math.max(...over)).toBeGreaterThan(200);
  });

  test('a crop hides pixels outside, a box does not', () => {
    const image = row(255, 255, 10, 10, 255, 255);
    const size = { width: 1, height: 1 };
    const crop = { x: 2, y: 0, width: 2, height: 1 };
    expect(grays(resizePil(image, { filter: 'bilinear', size, crop }))).toEqual([10]);
    const boxed = resizePil(image, { filter: 'bilinear', size, box: [2, 0, 4, 1] });
    expect(boxed.data[0]).toBeGreaterThan(10);
  });

  test('memory used for a larger image changes nothing', async () => {
    vi.resetModules();
    const other = await import('../../../datasets/transforms/resize-pil.js'); // with memory of its own
    const options = { filter: 'bicubic', size: { width: 5, height: 9 } } as const;
    const fresh = other.resizePil(noise(8, 8), options);
    resizePil(noise(40, 30), { filter: 'bicubic', size: { width: 33, height: 21 } });
    expect(resizePil(noise(8, 8), options).data).toEqual(fresh.data);
  });

  test('rejects crops and boxes outside the image', () => {
    const options = { filter: 'bilinear', size: { width: 1, height: 1 } } as const;
    const crop = { x: 0, y: 3, width: 1, height: 2 };
    expect(() => resizePil(noise(4, 4), { ...options, crop })).toThrow(/crop inside 4x4/);
    expect(() => resizePil(noise(4, 4), { ...options, box: [0, 0, 4.5, 1] })).toThrow(/box inside/);
    expect(() => resizePil(noise(4, 4), { ...options, box: [1, 0, 1, 1] })).toThrow(/box inside/);
  });
});

describe('resizeLinearCv', () => {
  test('doubling mixes neighbors 3 : 1 without antialiasing', () => {
    const { data } = resizeLinearCv(row(0, 100), { size: { width: 4, height: 1 } });
    expect(grays({ width: 4, height: 1, data })).toEqual([0, 25, 75, 100]);
  });

  test('reducing by three takes the middle pixel', () => {
    const { data } = resizeLinearCv(row(1, 2, 3, 40, 50, 60), { size: { width: 2, height: 1 } });
    expect([data[0], data[3]]).toEqual([2, 50]);
  });
});

describe('nearest neighbors', () => {
  const labels = (width: number): { width: number; height: number; data: Uint8Array } => ({
    width,
    height: 1,
    data: Uint8Array.from({ length: width }, (_, i) => i),
  });

  test('OpenCV takes floor(i · in / out), in a window as in the whole', () => {
    expect([...resizeNearestCv(labels(6), { width: 2, height: 1 }).data]).toEqual([0, 3]);
    expect([...nearestCv(5, 10, 0, 10)]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect([...nearestCv(5, 10, 3, 4)]).toEqual([1, 2, 2, 3]);
  });
});
