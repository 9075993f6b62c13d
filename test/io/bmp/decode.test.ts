import { expect, test } from 'vitest';
import { decodeBmp, readBmpHeader } from '../../../io/bmp/decode.js';
import { decodeImageBytes } from '../../../io/image/decode.js';
import { readMutations } from '../../helpers/mutations.js';

interface Bmp {
  readonly bits: number;
  readonly size?: readonly [number, number];
  readonly compression?: number;
  readonly masks?: readonly number[];
  /** RGB. */
  readonly palette?: readonly (readonly number[])[];
  readonly pixels: readonly number[];
}

/** A file as it is written by programs: header of 40 bytes, masks, palette, pixels. */
function bmp({ bits, size: [width, height] = [3, 2], compression = 0, ...parts }: Bmp): Buffer {
  const { masks = [], palette = [], pixels } = parts;
  const header = Buffer.alloc(54);
  const start = 54 + 4 * masks.length + 4 * palette.length;
  header.write('BM');
  header.writeUInt32LE(start + pixels.length, 2);
  header.writeUInt32LE(start, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(compression, 30);
  header.writeUInt32LE(palette.length, 46);
  const words = Buffer.from(Uint32Array.from(masks).buffer);
  const colors = Buffer.from(palette.flatMap(([r, g, b]) => [b, g, r, 0]));
  return Buffer.concat([header, words, colors, Buffer.from(pixels)]);
}

const COLORS = [
  [0, 0, 0],
  [200, 10, 20],
  [30, 220, 40],
];
const rgb = (...indices: readonly number[]): number[] => indices.flatMap((i) => COLORS[i]);
const EXPECTED = rgb(1, 2, 0, 0, 1, 2);

test.each<[string, Buffer, readonly number[]]>([
  [
    '24 bits, rows from the bottom, padded',
    bmp({
      bits: 24,
      pixels: [
        0, 0, 0, 20, 10, 200, 40, 220, 30, 0, 0, 0, 20, 10, 200, 40, 220, 30, 0, 0, 0, 0, 0, 0,
      ],
    }),
    EXPECTED,
  ],
  [
    'rows from the top',
    bmp({ bits: 24, size: [1, -2], pixels: [1, 2, 3, 0, 4, 5, 6, 0] }),
    [3, 2, 1, 6, 5, 4],
  ],
  [
    '8 bits with few colors',
    bmp({ bits: 8, palette: COLORS, pixels: [0, 1, 2, 0, 1, 2, 0, 0] }),
    EXPECTED,
  ],
  [
    '4 bits',
    bmp({ bits: 4, palette: COLORS, pixels: [0x01, 0x20, 0, 0, 0x12, 0x00, 0, 0] }),
    EXPECTED,
  ],
  [
    '1 bit',
    bmp({
      bits: 1,
      palette: COLORS.slice(0, 2),
      pixels: [0b01000000, 0, 0, 0, 0b10100000, 0, 0, 0],
    }),
    rgb(1, 0, 1, 0, 1, 0),
  ],
  [
    'run lengths of 8 bits',
    bmp({
      bits: 8,
      compression: 1,
      palette: COLORS,
      pixels: [1, 0, 1, 1, 1, 2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 0, 0, 1],
    }),
    EXPECTED,
  ],
  [
    'run lengths of 4 bits',
    bmp({
      bits: 4,
      compression: 2,
      palette: COLORS,
      pixels: [3, 0x01, 0, 0, 0, 3, 0x12, 0x00, 0, 0, 0, 1],
    }),
    rgb(1, 2, 0, 0, 1, 0),
  ],
  [
    'a delta in run lengths',
    bmp({ bits: 8, compression: 1, palette: COLORS, pixels: [0, 2, 1, 1, 2, 2, 0, 1] }),
    rgb(0, 2, 2, 0, 0, 0),
  ],
  [
    '16 bits',
    bmp({ bits: 16, size: [2, 1], pixels: [0x1f, 0x00, 0x00, 0x7c] }),
    [0, 0, 255, 255, 0, 0],
  ],
  [
    '16 bits of 5, 6 and 5',
    bmp({
      bits: 16,
      size: [2, 1],
      compression: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      pixels: [0xe0, 0x07, 0x10, 0x84],
    }),
    [0, 255, 0, 131, 129, 131],
  ],
  ['32 bits without alpha', bmp({ bits: 32, size: [1, 1], pixels: [3, 2, 1, 0] }), [1, 2, 3]],
  [
    '32 bits in another order',
    bmp({
      bits: 32,
      size: [1, 1],
      compression: 3,
      masks: [0xff, 0xff00, 0xff0000],
      pixels: [3, 2, 1, 9],
    }),
    [3, 2, 1],
  ],
])('%s', async (_, bytes, expected) => {
  const { width, height, data } = decodeBmp(bytes, 'a.bmp');
  expect([...data]).toEqual(expected);
  expect(data).toHaveLength(3 * width * height);
  expect([...(await decodeImageBytes(bytes, 'a.bmp')).data]).toEqual(expected);
});

test('damaged files are refused', () => {
  const good = bmp({ bits: 8, palette: COLORS, pixels: [0, 1, 2, 0, 1, 2, 0, 0] });
  expect(() => decodeBmp(good.subarray(0, -1), 'a.bmp')).toThrow(
    'a.bmp: expected a complete BMP of 74 bytes, got 73',
  );
  expect(() => readBmpHeader(good.subarray(0, 40), 'a.bmp')).toThrow(
    'expected a BMP header, got 40 bytes',
  );
  expect(() => readBmpHeader(bmp({ bits: 7, pixels: [] }), 'a.bmp')).toThrow('got 7 bits');
  expect(() => readBmpHeader(bmp({ bits: 8, compression: 4, pixels: [] }), 'a.bmp')).toThrow(
    'compression 4',
  );
  expect(() => readBmpHeader(bmp({ bits: 8, size: [0, 2], pixels: [] }), 'a.bmp')).toThrow(
    'size 0x2',
  );
});

test('a size that the file only claims takes no memory', () => {
  const packed = bmp({ bits: 24, size: [30_000, 30_000], pixels: [1, 2, 3] });
  expect(() => decodeBmp(packed, 'a.bmp')).toThrow('expected a complete BMP of 2700000054 bytes');
  const runs = bmp({ bits: 8, compression: 1, size: [2 ** 31 - 1, 100_000], pixels: [0, 1] });
  expect(() => decodeBmp(runs, 'a.bmp')).toThrow('expected at most 715827882 pixels, got');
});

test('3,000 damaged files give a DataError or are read', () => {
  const runs = bmp({
    bits: 8,
    compression: 1,
    palette: COLORS,
    pixels: [1, 0, 1, 1, 1, 2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 0, 0, 1],
  });
  const { read, refused } = readMutations(
    runs,
    { count: 3000, seed: 4, file: 'a.bmp' },
    (bytes) => {
      const header = readBmpHeader(bytes, 'a.bmp');
      if (header.width * header.height < 1e6) decodeBmp(bytes, 'a.bmp');
    },
  );
  expect(refused).toBeGreaterThan(500);
  expect(read).toBeGreaterThan(100);
});
