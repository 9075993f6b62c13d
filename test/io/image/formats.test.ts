import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage, decodeImageBytes } from '../../../io/image/decode.js';
import { fileHeader } from '../../../io/image/file-header.js';
import { encodeRgbPng } from '../../../io/png/write.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const [width, height] = [24, 16];
const PIXELS = Uint8Array.from(
  { length: width * height * 3 },
  (_, i) => (Math.floor(i / 96) * 31) % 250,
);
const picture = (): Sharp => sharp(PIXELS, { raw: { width, height, channels: 3 } });
const { put } = temporaryFolder();

test.each<[string, () => Sharp, number]>([
  ['webp', () => picture().webp({ lossless: true }), 0],
  ['tiff', () => picture().tiff({ compression: 'lzw' }), 0],
  ['gif', () => picture().gif(), 2],
  ['avif', () => picture().avif({ quality: 95, chromaSubsampling: '4:4:4' }), 12],
])('%s has the pixels of the picture', async (_, encoded, tolerance) => {
  const { data, ...size } = await decodeImageBytes(await encoded().toBuffer(), 'x');
  expect(size).toEqual({ width, height });
  data.forEach((value, i) => expect(Math.abs(value - PIXELS[i])).toBeLessThanOrEqual(tolerance));
});

test('of an animation the first frame is read', async () => {
  const frames = sharp(Buffer.concat([PIXELS, PIXELS.map((v) => 255 - v)]), {
    raw: { width, height: 2 * height, channels: 3, pageHeight: height },
  });
  const image = await decodeImageBytes(await frames.gif().toBuffer(), 'x');
  expect([image.width, image.height]).toEqual([width, height]);
  expect(Math.abs(image.data[5] - PIXELS[5])).toBeLessThanOrEqual(2);
});

test('alpha is dropped in every format', async () => {
  const rgba = Uint8Array.of(200, 100, 50, 0, 10, 20, 30, 128);
  const image = (): Sharp => sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } });
  for (const encoded of [
    image().webp({ lossless: true, exact: true }),
    image().tiff({ compression: 'none' }),
  ]) {
    const { data } = await decodeImageBytes(await encoded.toBuffer(), 'x');
    expect([...data]).toEqual([200, 100, 50, 10, 20, 30]);
  }
});

const grey16 = (values: Uint16Array): Sharp =>
  sharp(values, { raw: { width: values.length, height: 1, channels: 1 } }).toColourspace('grey16');

test('16 bits keep the upper 8, or are scaled by the range', async () => {
  for (const encoded of [
    grey16(Uint16Array.of(0, 1000, 4095)).png(),
    grey16(Uint16Array.of(0, 1000, 4095)).tiff({ compression: 'none' }),
  ]) {
    const bytes = await encoded.toBuffer();
    expect([...(await decodeImageBytes(bytes, 'x')).data].filter((_, i) => i % 3 === 0)).toEqual([
      0, 3, 15,
    ]);
    const scaled = await decodeImageBytes(bytes, 'x', { range: [0, 4095] });
    expect([...scaled.data].filter((_, i) => i % 3 === 0)).toEqual([0, 62, 255]);
  }
  const color = sharp(Uint16Array.of(0, 1000, 4095), { raw: { width: 1, height: 1, channels: 3 } });
  const bytes = await color.toColourspace('rgb16').png().toBuffer();
  expect([...(await decodeImageBytes(bytes, 'x', { range: [1000, 3000] })).data]).toEqual([
    0, 0, 255,
  ]);
});

/** A TIFF of 32-bit floating-point numbers, one row. */
function floatTiff(values: readonly number[]): Buffer {
  const entries = [
    [256, 4, values.length],
    [257, 4, 1],
    [258, 3, 32],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 4, 1],
    [279, 4, 4 * values.length],
    [339, 3, 3],
  ];
  const directory = 8 + 4 * values.length;
  const bytes = Buffer.alloc(directory + 2 + 12 * entries.length + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(directory, 4);
  values.forEach((value, i) => bytes.writeFloatLE(value, 8 + 4 * i));
  bytes.writeUInt16LE(entries.length, directory);
  entries.forEach(([tag, type, value], i) => {
    const at = directory + 2 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  });
  return bytes;
}

test('floating-point pixels need a range', async () => {
  const bytes = floatTiff([-1, 0, 0.5, 2]);
  await expect(decodeImageBytes(bytes, 'x.tif')).rejects.toThrow(
    'x.tif: expected pixels of 8 or 16 bits, got 32-bit numbers of unknown scale; write range: [lowest, highest] in data.yaml',
  );
  const { data } = await decodeImageBytes(bytes, 'x.tif', { range: [0, 1] });
  expect([...data].filter((_, i) => i % 3 === 0)).toEqual([0, 0, 128, 255]);
});

test('an image embedded in a LabelMe file is read', async () => {
  const png = Buffer.from(encodeRgbPng({ width, height, data: PIXELS }));
  const file = await put(
    'a.json',
    JSON.stringify({ imagePath: 'a.png', imageData: png.toString('base64'), shapes: [] }),
  );
  expect([...(await decodeImage(file)).data]).toEqual([...PIXELS]);
  const none = await put(
    'b.json',
    JSON.stringify({ imagePath: 'a.png', imageData: null, shapes: [] }),
  );
  await expect(decodeImage(none)).rejects.toThrow(
    'b.json: expected an image, got a LabelMe file that has none in it',
  );
  // Other documents are no image, whatever their name; an image is one.
  for (const text of ['{"images": []}', '[1]', '{', '']) {
    const other = await put('c.json', text);
    await expect(decodeImage(other)).rejects.toThrow(
      /c\.json: expected (a JPEG, PNG, .* image|an image), got (something else|an empty file)/,
    );
    await expect(fileHeader(other)).rejects.toThrow(/c\.json: expected .*image/);
  }
  const named = await put('d.json', png);
  expect([...(await decodeImage(named)).data]).toEqual([...PIXELS]);
});

test('CMYK is blue with and without Adobe’s marker, as in Pillow', async () => {
  const bytes = readFileSync(join(import.meta.dirname, '../../fixtures/cases/cmyk-blue.jpg'));
  const marker = bytes.indexOf(Buffer.from('\xff\xee', 'latin1'));
  const end = marker + 2 + bytes.readUInt16BE(marker + 2);
  expect(bytes.toString('latin1', marker + 4, marker + 9)).toBe('Adobe');
  const unmarked = Buffer.concat([bytes.subarray(0, marker), bytes.subarray(end)]);
  for (const file of [bytes, unmarked]) {
    const { data, ...size } = await decodeImageBytes(file, 'x');
    const sums = [0, 0, 0];
    data.forEach((value, i) => (sums[i % 3] += value));
    const means = sums.map((sum) => sum / (size.width * size.height));
    [29.38, 39.83, 219.62].forEach((mean, c) => expect(means[c]).toBeCloseTo(mean, 1));
  }
});
