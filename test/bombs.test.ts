import { truncate } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { rleOfSegmentation } from '../core/coco.js';
import { decodeRle, drawRles, encodeRle } from '../core/rle.js';
import { readLabelMeFolder } from '../datasets/annotations/labelme.js';
import { labelNumbers } from '../datasets/label-numbers.js';
import { decodeBmp } from '../io/bmp/decode.js';
import { crc32 } from '../io/crc32.js';
import type { LabelMap } from '../core/image.js';
import { decodeImage } from '../io/image/decode.js';
import { readLabelMe } from '../io/labelme/read.js';
import { decodePngColors } from '../io/png/colors.js';
import { maskInstances } from '../io/png/instances.js';
import { encodeLabelPng } from '../io/png/write.js';
import { temporaryFolder } from './helpers/temporary-folder.js';
import { within } from './helpers/within.js';

/** Small files that are made to take minutes or gigabytes. Each is read or refused in a second or two. */

const { put } = temporaryFolder();

/** A PNG of 8 bits. @param type 0 gray, 2 RGB, 4 gray and alpha, 6 RGB and alpha */
function png(
  { width, height, bits = 8 }: { width: number; height: number; bits?: number },
  type: number,
  pixels: Uint8Array,
  interlaced = false,
): Uint8Array {
  const chunk = (name: string, content: Uint8Array): Buffer => {
    const bytes = Buffer.alloc(12 + content.length);
    bytes.writeUInt32BE(content.length, 0);
    bytes.write(name, 4, 'latin1');
    bytes.set(content, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, type, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('colors of labels that inflate to more than their size, or have too many pixels', () => {
  const zeros = new Uint8Array(5_000_000);
  for (const interlaced of [false, true])
    expect(() => decodePngColors(png({ width: 4, height: 4 }, 2, zeros, interlaced), 'a')).toThrow(
      /expected \d+ bytes of pixels, got more/,
    );
  expect(() => decodePngColors(png({ width: 40_000, height: 40_000 }, 2, zeros), 'a')).toThrow(
    'expected at most 178956970 pixels, got 40000x40000',
  );
});

test('colors of labels are those that pngjs reads', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom([2, 3] as const, [4, 2] as const, [6, 4] as const),
      fc.constantFrom(8, 16),
      fc.uint8Array({ minLength: 9 * 9 * 8, maxLength: 9 * 9 * 8 }),
      (width, height, [type, channels], bits, values) => {
        const stride = (width * channels * bits) / 8;
        const rows = Array.from({ length: height }, (_, y) =>
          Buffer.concat([Buffer.of(y % 5), values.subarray(y * stride, (y + 1) * stride)]),
        );
        const bytes = png({ width, height, bits }, type, Buffer.concat(rows));
        const { data } = PNG.sync.read(Buffer.from(bytes));
        const expected = data.filter((_, i) => i % 4 < 3);
        expect([...decodePngColors(bytes, 'a').data]).toEqual([...expected]);
      },
    ),
  );
});

test('interlaced colors of labels', () => {
  const plain = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => 5 * i);
  // Passes 1, 2, 4, 5, 6 and 7 of a picture of 5 x 3.
  const pixels = [[[0, 0]], [[4, 0]], [[2, 0]], [[0, 2], [2, 2], [4, 2]], [[1, 0], [3, 0]], [[1, 2], [3, 2]], [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]]]; // prettier-ignore
  const rows = pixels
    .filter((row) => row.length > 0)
    .flatMap((row) => {
      const byRow = new Map<number, number[]>();
      for (const [x, y] of row) byRow.set(y, [...(byRow.get(y) ?? []), x]);
      return [...byRow].map(([y, xs]) => [
        0,
        ...xs.flatMap((x) => [...plain.subarray(3 * (5 * y + x), 3 * (5 * y + x) + 3)]),
      ]);
    });
  const passes = [rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6]];
  const bytes = png({ width: 5, height: 3 }, 2, Uint8Array.from(passes.flat()), true);
  expect([...decodePngColors(bytes, 'a').data]).toEqual([...plain]);
});

test('a bitmap of run lengths whose few bytes stand for many pixels', async () => {
  const bytes = Buffer.alloc(56);
  bytes.write('BM');
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(5000, 18);
  bytes.writeInt32LE(5000, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(8, 28);
  bytes.writeUInt32LE(1, 30);
  bytes[55] = 1; // the end of the picture
  await within(1.5, () => expect(decodeBmp(bytes, 'a.bmp').data.length).toBe(75_000_000));
});

test('a file without content that is larger than any image', async () => {
  const [huge, large] = [await put('huge.jpg', ''), await put('large.jpg', '')];
  await truncate(huge, 2 ** 40);
  await expect(decodeImage(huge)).rejects.toThrow('got 1099511627776 bytes (at most 1610612736)');
  await truncate(large, 2 ** 30);
  const before = process.memoryUsage().rss;
  await expect(decodeImage(large)).rejects.toThrow('got something else (starts with 00 00');
  expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 27);
});

test('many large regions drawn as labels', async () => {
  const size = { width: 2000, height: 2000 };
  const points = Float64Array.of(0, 0, 2000, 0, 2000, 2000, 0, 2000);
  const mask = { kind: 'polygons', polygons: [points] } as const;
  const objects = Array.from({ length: 600 }, (_, i) => ({ label: i % 255, mask }));
  await within(4, async () => {
    const { data } = await labelNumbers({ labelFile: 'a', regions: { ...size, objects } });
    expect(data.every((value) => value === 599 % 255)).toBe(true);
  });
  const large = { width: 65_535, height: 65_535, objects };
  await expect(labelNumbers({ labelFile: 'a.json', regions: large })).rejects.toThrow(
    'a.json: expected an image of at most 178956970 pixels, got 65535x65535',
  );
});

test('drawing masks over each other', () => {
  const bits = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 70 * 3, maxLength: 70 * 3 });
  const size = { width: 70, height: 3 };
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 3 }), (pictures) => {
      const masks = pictures.map((pixels, i) => ({ mask: encodeRle(pixels, 3, 70), value: 5 + i }));
      const [drawn, expected] = [new Uint16Array(210).fill(9), new Uint16Array(210).fill(9)];
      drawRles(drawn, size, masks);
      for (const { mask, value } of masks)
        decodeRle(mask).forEach((pixel, i) => pixel && (expected[i] = value));
      expect(drawn).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

test('boxes in place of polygons have the limit of polygons', () => {
  const boxes = Array.from({ length: 50 }, () => [0, 0, 1_000_000, 2]);
  expect(() => rleOfSegmentation(boxes, 4, 1_000_000)).toThrow('cross at most 4194304 columns');
  expect([...rleOfSegmentation([[0, 0, 1, 1], [1, 1, 1, 1]], 2, 2).counts]).toEqual([0, 1, 2, 1]); // prettier-ignore
});

test('masks of noise', () => {
  const noise = (side: number): LabelMap => {
    const data = new Uint8Array(side * side);
    for (let y = 0; y < side; y += 2) data.fill(1, y * side, (y + 1) * side);
    return { width: side, height: side, data };
  };
  const map = noise(5900);
  expect(() => maskInstances(map, 'm.png')).toThrow('m.png: expected instances of at most 16777216 runs'); // prettier-ignore
  const mask = Buffer.from(encodeLabelPng(noise(2100))).toString('base64');
  const points = [
    [0, 0],
    [2099, 2099],
  ];
  const shapes = [{ label: 'a', points, shape_type: 'mask', mask }];
  const file = Buffer.from(JSON.stringify({ shapes, imagePath: 'a.jpg' }));
  expect(() => readLabelMe(file, 'a.json')).toThrow(
    'a.json: shapes[0] ("a"): expected a mask of at most 2097152 runs, got more',
  );
});

test('many parts of one object', async () => {
  const points = [
    [1, 1],
    [2, 2],
  ];
  const shape = { label: 'a', points, shape_type: 'rectangle', group_id: 1 };
  const other = temporaryFolder();
  await other.put('a.jpg', png({ width: 4, height: 4 }, 0, new Uint8Array(20)));
  const shapes = Array(30_000).fill(shape);
  await other.put('a.json', JSON.stringify({ imagePath: 'a.jpg', shapes }));
  const source = { format: 'labelme', annotations: other.folder } as const;
  await within(3, async () => {
    const { annotations } = await readLabelMeFolder(source, () => undefined);
    expect(annotations.categoryIds.length).toBe(1);
  });
});
