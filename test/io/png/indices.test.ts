import fc from 'fast-check';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { decodePngIndices } from '../../../io/png/indices.js';
import { encodeLabelPng, encodeRgbaPng, encodeRgbPng } from '../../../io/png/write.js';
import { buildPng, pngChunk, type PngDescription } from '../../helpers/png.js';

const side = fc.integer({ min: 1, max: 20 });

/** Pictures of `channels` 8-bit channels, smooth in places so that encoders choose different filters. */
function pictures(
  channels: number,
): fc.Arbitrary<{ width: number; height: number; data: Uint8Array }> {
  return fc
    .tuple(side, side, fc.integer({ min: 1, max: 255 }), fc.nat())
    .map(([width, height, period, seed]) => ({
      width,
      height,
      data: Uint8Array.from({ length: width * height * channels }, (_, i) =>
        seed % 2 === 0 ? (i * i * (seed % 97)) % period : (Math.floor(i / width) * 3 + i) % 256,
      ),
    }));
}

test('8-bit gray comes back as written, and equals what pngjs reads', () => {
  fc.assert(
    fc.property(pictures(1), (picture) => {
      const bytes = encodeLabelPng(picture);
      expect(decodePngIndices(bytes, 'f')).toEqual(picture);
      const { data } = PNG.sync.read(Buffer.from(bytes));
      picture.data.forEach((value, i) => expect(data[4 * i]).toBe(value));
    }),
  );
});

test('colors come back as written', async () => {
  await fc.assert(
    fc.asyncProperty(pictures(3), pictures(4), async (rgb, rgba) => {
      expect(await sharp(encodeRgbPng(rgb)).raw().toBuffer()).toEqual(Buffer.from(rgb.data));
      const bytes = encodeRgbaPng(rgba.width, rgba.height, rgba.data);
      expect(await sharp(bytes).raw().toBuffer()).toEqual(Buffer.from(rgba.data));
    }),
    { numRuns: 30 },
  );
});

test('16-bit gray is not scaled', async () => {
  const data = Uint16Array.of(0, 1, 255, 256, 4660, 65535);
  const raw = { width: 3, height: 2, channels: 1 } as const;
  const bytes = await sharp(data, { raw }).toColourspace('grey16').png().toBuffer();
  expect(decodePngIndices(bytes, 'f')).toEqual({ width: 3, height: 2, data });
});

test.each([false, true])('a palette gives indices, interlaced or not (%s)', async (progressive) => {
  await fc.assert(
    fc.asyncProperty(pictures(3), fc.constantFrom(2, 4, 16, 256), async (picture, colors) => {
      const { width, height, data } = picture;
      const raw = { width, height, channels: 3 } as const;
      const bytes = await sharp(data, { raw })
        .png({ palette: true, colors, dither: 0, progressive })
        .toBuffer();
      const { palette = new Uint8Array(0), data: indices } = decodePngIndices(bytes, 'f');
      const color = await sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer();
      const shown = Array.from(indices).flatMap((index) => [
        ...palette.subarray(3 * index, 3 * index + 3),
      ]);
      expect(shown).toEqual([...color]);
    }),
    { numRuns: 40 },
  );
});

test('two entries of one color stay two classes', () => {
  const palette = Uint8Array.of(9, 9, 9, 9, 9, 9);
  const rows = Uint8Array.of(0, 0b01000000, 0, 0b10000000);
  const png = buildPng({ width: 2, height: 2, bitDepth: 1, colorType: 3, palette, rows });
  expect(decodePngIndices(png, 'f').data).toEqual(Uint8Array.of(0, 1, 1, 0));
});

test.each([
  [1, [0b10110000], [1, 0, 1, 1]],
  [2, [0b11100100], [3, 2, 1, 0]],
  [4, [0x1f, 0x07], [1, 15, 0, 7]],
])('%i bits a pixel are unpacked from the top', (bitDepth, row, values) => {
  const png = buildPng({
    width: 4,
    height: 1,
    bitDepth,
    colorType: 0,
    rows: Uint8Array.of(0, ...row),
  });
  expect([...decodePngIndices(png, 'f').data]).toEqual(values);
});

test('each filter is undone, also in the first row and column', () => {
  // A row: its filter (4 Paeth, 1 left, 2 up, 3 mean of both), then two differences.
  const rows = Uint8Array.of(4, 10, 5, 1, 1, 1, 2, 2, 3, 3, 8, 8, 4, 1, 2);
  const png = buildPng({ width: 2, height: 5, bitDepth: 8, colorType: 0, rows });
  expect([...decodePngIndices(png, 'f').data]).toEqual([10, 15, 1, 2, 3, 5, 9, 15, 10, 17]);
});

const RGB: PngDescription = {
  width: 1,
  height: 1,
  bitDepth: 8,
  colorType: 2,
  rows: new Uint8Array(4),
};

test.each<[string, Uint8Array, string]>([
  ['an empty file', new Uint8Array(0), 'expected a PNG, got an empty file'],
  ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff), 'got bytes that begin ff d8 ff'],
  ['RGB', buildPng(RGB), 'got RGB; convert the colors to class indices'],
  [
    'a palette image without palette',
    buildPng({ ...RGB, colorType: 3 }),
    'expected a palette (PLTE), got none',
  ],
  ['three bits', buildPng({ ...RGB, colorType: 0, bitDepth: 3 }), 'color type 0 with 3 bits'],
  ['no pixel', buildPng({ ...RGB, width: 0 }), 'expected a size above 0, got 0x1'],
  [
    'too few rows',
    buildPng({ ...RGB, colorType: 0, height: 9 }),
    'expected 18 bytes of pixels, got 4',
  ],
  ['too many rows', buildPng({ ...RGB, colorType: 0 }), 'expected 2 bytes of pixels, got'],
  [
    'filter 5',
    buildPng({ ...RGB, colorType: 0, rows: Uint8Array.of(5, 0) }),
    'expected a filter from 0 to 4, got 5',
  ],
  [
    'an unknown critical chunk',
    buildPng({ ...RGB, extra: [pngChunk('ABCD', new Uint8Array(2))] }),
    'expected known chunks, got "ABCD"',
  ],
  [
    'a huge image',
    buildPng({ ...RGB, colorType: 0, width: 100000, height: 100000 }),
    'expected at most 178956970 pixels',
  ],
])('%s is rejected', (_, bytes, message) => {
  expect(() => decodePngIndices(bytes, 'f.png')).toThrow(DataError);
  expect(() => decodePngIndices(bytes, 'f.png')).toThrow(message);
  expect(() => decodePngIndices(bytes, 'f.png')).toThrow(/^f\.png: /);
});

test('damage is noticed, wherever it is', () => {
  const picture = {
    width: 16,
    height: 16,
    data: Uint8Array.from({ length: 256 }, (_, i) => i % 7),
  };
  const good = encodeLabelPng(picture);
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (at, flip, cut) => {
        const bytes = Uint8Array.from(cut ? good.subarray(0, at) : good);
        if (!cut) bytes[at] ^= flip;
        expect(() => decodePngIndices(bytes, 'f')).toThrow(DataError);
      },
    ),
    { numRuns: 500 },
  );
});

test('any header over any data with right checksums gives pixels or a DataError', () => {
  const description = fc.record({
    width: fc.oneof(fc.nat(9), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 70000)),
    height: fc.oneof(fc.nat(9), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 70000)),
    bitDepth: fc.oneof(fc.constantFrom(1, 2, 4, 8, 16), fc.nat(255)),
    colorType: fc.oneof(fc.constantFrom(0, 3), fc.nat(255)),
    interlace: fc.nat(2),
    palette: fc.uint8Array({ maxLength: 12 }),
    rows: fc.array(fc.nat(6), { maxLength: 60 }).map((values) => Uint8Array.from(values)),
  });
  let numDecoded = 0;
  fc.assert(
    fc.property(description, (png) => {
      try {
        const { data } = decodePngIndices(buildPng(png), 'f');
        expect(data).toHaveLength(png.width * png.height);
        numDecoded++;
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }),
    { numRuns: 3000, seed: 1 },
  );
  expect(numDecoded).toBeGreaterThan(0);
});
