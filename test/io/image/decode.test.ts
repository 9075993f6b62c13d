import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { MAX_PIXELS, MAX_SIDE } from '../../../core/image.js';
import { decodeImage, decodeImageBytes, decodeStored } from '../../../io/image/decode.js';
import { imageHeader } from '../../../io/image/header.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

const QUIRKS = join(REAL_DATA, 'jpeg-quirks');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'decode-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A picture with edges and colors, `[32, 48, 3]`. */
const PIXELS = Uint8Array.from({ length: 32 * 48 * 3 }, (_, i) => {
  const [x, y, c] = [Math.floor(i / 3) % 48, Math.floor(i / 144), i % 3];
  return (x * (c + 2) * 3 + y * 5 + ((x >> 3) % 2) * 90) & 255;
});
const jpeg = (quality = 90): Promise<Buffer> =>
  sharp(PIXELS, { raw: { width: 48, height: 32, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();

/** `bytes` with `length` bytes at `at` replaced by `insert`. */
function splice(bytes: Uint8Array, at: number, length: number, insert: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + length)]);
}

/** A PNG of given header fields; `rows` are the unfiltered bytes of each row. */
function png(
  [width, height, depth, color]: readonly [number, number, number, number],
  rows: readonly (readonly number[])[],
  chunks: readonly (readonly [string, readonly number[]])[] = [],
): Buffer {
  const chunk = (name: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(pngCrc(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, color, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...chunks.map(([name, data]) => chunk(name, Uint8Array.from(data))),
    chunk('IDAT', deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row])))),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** `zlib.crc32` is missing from the first Node 20 releases. */
function pngCrc(bytes: Uint8Array): number {
  if (typeof crc32 === 'function') return crc32(bytes);
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function failure(bytes: Uint8Array, options = {}): Promise<DataError> {
  const error = await decodeImageBytes(bytes, 'some/file.jpg', options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).file).toBe('some/file.jpg');
  expect((error as DataError).message).toMatch(/^some\/file\.jpg: expected .+, got .+/);
  expect((error as DataError).message).not.toContain('\n');
  return error as DataError;
}

describe('decodeImage', () => {
  test('an embedded color profile leaves the pixels alone', async () => {
    const plain = await jpeg();
    const profiled = await sharp(plain).withIccProfile('p3').jpeg().toBuffer();
    const start = profiled.indexOf(Uint8Array.of(0xff, 0xe2));
    const segment = profiled.subarray(start, start + 2 + profiled.readUInt16BE(start + 2));
    const tagged = splice(plain, 2, 0, segment);
    const converted = await sharp(tagged).raw().toBuffer();
    const expected = await decodeImageBytes(plain, 'plain');
    expect(converted.equals(expected.data)).toBe(false); // the profile would change something
    expect((await decodeImageBytes(tagged, 'tagged')).data).toEqual(expected.data);
  });

  test('a file and its bytes give the same image', async () => {
    const file = join(folder, 'a.jpg');
    writeFileSync(file, await jpeg());
    const image = await decodeImage(file);
    expect([image.width, image.height, image.data.length]).toEqual([48, 32, 48 * 32 * 3]);
    expect(image).toEqual(await decodeImageBytes(readFileSync(file), file));
  });

  test('gray is repeated in three channels', async () => {
    const { data } = await decodeImageBytes(png([3, 1, 8, 0], [[0, 7, 255]]), 'grey');
    expect([...data]).toEqual([0, 0, 0, 7, 7, 7, 255, 255, 255]);
  });

  test('one-bit gray is spread to 0 and 255', async () => {
    const { data } = await decodeImageBytes(png([3, 1, 1, 0], [[0b01000000]]), 'bits');
    expect([...data]).toEqual([0, 0, 0, 255, 255, 255, 0, 0, 0]);
  });

  test('alpha is dropped, not blended', async () => {
    const rgba = png([2, 1, 8, 6], [[200, 100, 50, 0, 1, 2, 3, 128]]);
    expect([...(await decodeImageBytes(rgba, 'rgba')).data]).toEqual([200, 100, 50, 1, 2, 3]);
    const grayAlpha = png([1, 1, 8, 4], [[90, 0]]);
    expect([...(await decodeImageBytes(grayAlpha, 'la')).data]).toEqual([90, 90, 90]);
  });

  test('a palette gives its colors, transparent or not', async () => {
    const palette = [1, 2, 3, 40, 50, 60];
    const bytes = png(
      [2, 1, 8, 3],
      [[1, 0]],
      [
        ['PLTE', palette],
        ['tRNS', [0, 255]],
      ],
    );
    expect([...(await decodeImageBytes(bytes, 'palette')).data]).toEqual([40, 50, 60, 1, 2, 3]);
  });

  test('16 bits keep the high byte', async () => {
    const rgb = png([1, 1, 16, 2], [[0x12, 0xff, 0x80, 0x00, 0xfe, 0x80]]);
    expect([...(await decodeImageBytes(rgb, 'rgb16')).data]).toEqual([0x12, 0x80, 0xfe]);
    const gray = png([2, 1, 16, 0], [[0x12, 0xff, 0xfe, 0x80]]);
    const expected = [0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe];
    expect([...(await decodeImageBytes(gray, 'grey16')).data]).toEqual(expected);
  });

  test('pngjs and we read the same pixels', async () => {
    const picture = new PNG({ width: 48, height: 32 });
    for (let i = 0; i < 48 * 32; i++)
      picture.data.set([...PIXELS.subarray(i * 3, i * 3 + 3), 255], i * 4);
    const bytes = PNG.sync.write(picture, { colorType: 2 });
    expect((await decodeImageBytes(bytes, 'pngjs')).data).toEqual(Buffer.from(PIXELS));
  });
});

describe('decodeImage names the file and the reason', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(), /got an empty file/],
    [
      'text',
      Buffer.from('not an image at all'),
      /JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP image, got something else/,
    ],
    ['a GIF', Buffer.from('GIF89a and so on'), /expected an image, got a damaged one/],
    [
      'a JPEG cut in its header',
      Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 1),
      /end of the file/,
    ],
    ['a PNG cut in its header', png([1, 1, 8, 0], [[1]]).subarray(0, 20), /end of the file/],
    ['a PNG cut in its data', png([1, 1, 8, 0], [[1]]).subarray(0, 45), /damaged/],
    ['a PNG without pixels', png([0, 1, 8, 0], []), /IHDR/],
  ])('%s', async (_, bytes, reason) => {
    expect((await failure(bytes)).message).toMatch(reason);
  });

  test('a JPEG that ends early', async () => {
    const bytes = await jpeg();
    const cut = bytes.subarray(0, Math.floor(bytes.length * 0.7));
    expect((await failure(cut)).message).toMatch(/complete JPEG/);
  });

  test('a JPEG with a marker in the middle of its scan', async () => {
    const bytes = await jpeg();
    const at = Math.floor(bytes.length * 0.7);
    expect((await failure(splice(bytes, at, 2, Uint8Array.of(0xff, 0xd9)))).message).toMatch(
      /damaged/,
    );
  });

  test('superfluous bytes before the end are no damage', async () => {
    const bytes = await jpeg();
    const padded = splice(bytes, bytes.length - 2, 0, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0));
    const image = await decodeImageBytes(padded, 'padded');
    expect(image.data).toEqual((await decodeImageBytes(bytes, 'plain')).data);
  });

  test('a missing file and a folder', async () => {
    await expect(decodeImage(join(folder, 'none.jpg'))).rejects.toThrow(/none\.jpg: .+ENOENT/);
    await expect(decodeImage(folder)).rejects.toThrow(/got a folder/);
  });

  test('more pixels than allowed, before decoding them', async () => {
    const bomb = png([100_000, 100_000, 8, 0], [[1]]);
    expect((await failure(bomb)).message).toContain(
      `at most ${MAX_PIXELS} pixels, got 100000x1000`,
    );
    const error = await failure(await jpeg(), { maxPixels: 48 * 32 - 1 });
    expect(error.message).toContain('raise maxPixels');
  });

  test('a side longer than that of any picture, before decoding it', async () => {
    const [width, height] = [MAX_SIDE + 1, 1];
    const row = Array<number>(width).fill(0);
    expect((await failure(png([width, height, 8, 0], [row]))).message).toContain(
      `sides of at most ${MAX_SIDE} pixels, got ${width}x1; cut it`,
    );
    const longest = await decodeImageBytes(png([MAX_SIDE, 1, 8, 0], [row.slice(1)]), 'row');
    expect(longest.data.length).toBe(3 * MAX_SIDE);
  });
});

interface Quirk {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly mean?: readonly number[];
}

/** Means of Pillow 9.4's `convert('RGB')`. */
const CMYK_MEANS: Readonly<Record<string, readonly number[]>> = {
  'cmyk-grey.jpg': [121.0165, 130.995, 130.9999],
  'cmyktest.jpg': [76.6717, 141.5613, 212.2758],
  'tree-cmyk-notransform.jpg': [10.4623, 120.1313, 76.8323],
};

describe('odd JPEGs', () => {
  needsRealData('jpeg-quirks');

  test('have libjpeg’s means', async () => {
    const quirks = JSON.parse(readFileSync(join(QUIRKS, 'index.json'), 'utf8')) as Quirk[];
    for (const { file, width, height, mean } of quirks) {
      const image = await decodeImage(join(QUIRKS, file));
      expect([image.width, image.height], file).toEqual([width, height]);
      const sums = [0, 0, 0];
      image.data.forEach((value, i) => (sums[i % 3] += value));
      const expected = mean ?? CMYK_MEANS[file];
      sums.forEach((sum, c) => {
        expect(sum / (width * height), file).toBeCloseTo(expected[c] ?? expected[0], 1);
      });
    }
  });
});

test('a decoder that finds more pixels than the header said decodes none', async () => {
  for (const format of ['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const) {
    const bytes = await sharp(PIXELS, { raw: { width: 48, height: 32, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    const header = await imageHeader(bytes, 'x');
    expect((await decodeStored(bytes, 'x', header, {})).data.length).toBe(3 * 48 * 32);
    const small = { ...header, width: 24 };
    await expect(decodeStored(bytes, 'x', small, {})).rejects.toThrow(/x: expected a complete/);
  }
});
