import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { imageHeader } from '../../../io/image/header.js';
import { readImageHeader } from '../../../io/image-header/read.js';
import { pngChunk } from '../../helpers/png.js';

const blank = (channels: 3 | 4): Sharp =>
  sharp({ create: { width: 700, height: 300, channels, background: '#123' } });

test.each([
  ['a PNG', blank(3).png(), 'png', 3],
  ['a PNG with opacity', blank(4).png(), 'png', 4],
  ['a JPEG', blank(3).jpeg(), 'jpeg', 3],
  ['a progressive JPEG', blank(3).jpeg({ progressive: true }), 'jpeg', 3],
  ['a JPEG with metadata before the frame', blank(3).withMetadata().jpeg(), 'jpeg', 3],
  ['a gray JPEG', blank(3).toColourspace('b-w').jpeg(), 'jpeg', 1],
] as const)('%s has its size and channels', async (_, picture, format, channels) => {
  const header = readImageHeader(await picture.toBuffer(), 'x');
  expect(header).toMatchObject({ format, width: 700, height: 300, channels, bitsPerChannel: 8 });
});

test('a PNG of 16 bits says so', async () => {
  const png = await blank(4).toColourspace('rgb16').png().toBuffer();
  expect(readImageHeader(png, 'x')).toMatchObject({
    format: 'png',
    channels: 4,
    bitsPerChannel: 16,
  });
});

test('the beginning of a file is enough, and what is cut off before the size is rejected', async () => {
  const jpeg = await blank(3).jpeg().toBuffer();
  const scan = jpeg.indexOf(Uint8Array.of(0xff, 0xda));
  expect(readImageHeader(jpeg.subarray(0, scan), 'x')).toMatchObject({ width: 700, height: 300 });
  for (const length of [2, 4, 20, 60])
    expect(() => readImageHeader(jpeg.subarray(0, length), 'x')).toThrow(
      `x: expected a JPEG frame header, got the end of the file after ${length} bytes`,
    );
  expect(() => readImageHeader(new Uint8Array(0), 'x')).toThrow(
    'x: expected an image, got an empty',
  );
  expect(() => readImageHeader(new Uint8Array(40), 'x')).toThrow(
    'expected a JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP image',
  );
});

test('the size is that of the displayed image', async () => {
  const turned = await blank(3).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  expect(readImageHeader(turned, 'x')).toMatchObject({ width: 300, height: 700, orientation: 6 });
  const exif = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0', 'latin1');
  const png = await blank(3).png().toBuffer();
  const chunk = Buffer.from(pngChunk('eXIf', exif));
  const tagged = Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
  expect(readImageHeader(tagged, 'x')).toMatchObject({ width: 300, height: 700, orientation: 5 });
  expect(readImageHeader(png, 'x')).toMatchObject({ width: 700, height: 300, orientation: 1 });
});

test.each([
  ['WebP', blank(3).webp(), 3],
  ['TIFF', blank(3).tiff(), 3],
  ['GIF', blank(3).gif(), 4],
  ['AVIF', blank(3).avif(), 3],
] as const)('%s is read by the decoder', async (_, picture, channels) => {
  const bytes = await picture.toBuffer();
  expect(readImageHeader(bytes, 'x')).toBeUndefined();
  expect(await imageHeader(bytes, 'x')).toMatchObject({ width: 700, height: 300, channels });
  await expect(imageHeader(bytes.subarray(0, 20), 'x')).rejects.toThrow(
    /^x: expected an image, got a damaged one/,
  );
});

test.each([
  ['a HEIC', 'ftypheic\0\0\0\0mif1heic', 'a HEIC, which needs a licensed decoder; save it as JPEG'],
  ['a raw file', 'ftypcrx \0\0\0\x01crx isom', 'a video or raw file (crx)'],
])('%s is named', (_, start, name) => {
  const bytes = Buffer.from(`\0\0\0\x18${start}`, 'latin1');
  expect(() => readImageHeader(bytes, 'x')).toThrow(name);
});

test.each([
  ['%PDF-1.7', 'a PDF; save its pages as PNG'],
  ['<svg xmlns="', 'a drawing (SVG); render it to PNG'],
  [
    'version https://git-lfs.github.com/spec/v1',
    'a Git LFS pointer; fetch the file itself: git lfs pull',
  ],
  ['<!DOCTYPE html>', 'an HTML page; download the image itself'],
])('%s is named', (start, name) => {
  expect(() => readImageHeader(Buffer.from(start), 'x')).toThrow(name);
});

/** The beginning of a TIFF file with tags of one number each. */
function tiffStart(
  tags: readonly (readonly [tag: number, value: number])[],
  little = true,
): Buffer {
  const bytes = Buffer.alloc(10 + 12 * tags.length);
  const [u16, u32] = little
    ? ([bytes.writeUInt16LE, bytes.writeUInt32LE] as const)
    : ([bytes.writeUInt16BE, bytes.writeUInt32BE] as const);
  bytes.write(little ? 'II' : 'MM', 'latin1');
  u16.call(bytes, 42, 2);
  u32.call(bytes, 8, 4);
  u16.call(bytes, tags.length, 8);
  tags.forEach(([tag, value], i) => {
    u16.call(bytes, tag, 10 + 12 * i);
    u16.call(bytes, 4, 12 + 12 * i); // LONG
    u32.call(bytes, 1, 14 + 12 * i);
    u32.call(bytes, value, 18 + 12 * i);
  });
  return bytes;
}

test('a raw photo is named, also where it begins as TIFF with a small preview', () => {
  const raw = 'got a raw photo of a camera; save it as JPEG or TIFF';
  const preview = [
    [254, 1],
    [256, 160],
    [257, 120],
  ] as const;
  for (const bytes of [
    tiffStart(preview), // Nikon, Sony
    tiffStart(preview, false),
    tiffStart([
      [256, 6000],
      [50706, 0x01040000],
    ]), // Adobe
    Buffer.from('II*\0\x10\0\0\0CR\x02\0\0\0', 'latin1'), // Canon
    Buffer.from('FUJIFILMCCD-RAW 0201', 'latin1'),
    Buffer.from('IIU\0\x18\0\0\0', 'latin1'), // Panasonic
    Buffer.from('IIRO\x08\0\0\0', 'latin1'), // Olympus
  ])
    expect(() => readImageHeader(bytes, 'x')).toThrow(raw);
  // The first of several pages, and a whole picture, are TIFF.
  for (const tags of [
    [
      [254, 2],
      [256, 160],
    ],
    [[254, 0]],
    [],
  ] as const)
    expect(readImageHeader(tiffStart(tags), 'x')).toBeUndefined();
  for (let length = 4; length < 40; length++)
    expect(() =>
      readImageHeader(
        tiffStart([
          [256, 1],
          [257, 1],
        ]).subarray(0, length),
        'x',
      ),
    ).not.toThrow();
});

test('of millions of segments or chunks before the pixels, only the first are looked at', async () => {
  const many = 2 ** 20;
  const jpeg = await blank(3).jpeg().toBuffer();
  const withSegments = (count: number, segment: readonly number[]): Uint8Array =>
    Buffer.concat([
      jpeg.subarray(0, 2),
      ...[Buffer.alloc(count * segment.length, Uint8Array.from(segment))],
      jpeg.subarray(2),
    ]);
  for (const segment of [[0xff, 0xe5, 0, 2], [0xff, 0], [0xff], [1, 0xff, 0]]) {
    expect(readImageHeader(withSegments(1000, segment), 'x')).toMatchObject({ width: 700 });
    expect(() => readImageHeader(withSegments(many, segment), 'x')).toThrow('a JPEG frame header');
  }
  // Bytes that are no segment are skipped at once, as by libjpeg.
  expect(readImageHeader(withSegments(many, [1]), 'x')).toMatchObject({ width: 700 });

  const png = await blank(3).png().toBuffer();
  const [empty, exif] = [
    Buffer.from(pngChunk('teSt', new Uint8Array(0))),
    Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0', 'latin1'),
  ];
  const withChunks = (count: number): Uint8Array =>
    Buffer.concat([
      png.subarray(0, 33),
      Buffer.alloc(count * empty.length, empty),
      pngChunk('eXIf', exif),
      png.subarray(33),
    ]);
  expect(readImageHeader(withChunks(1000), 'x')).toMatchObject({ orientation: 5 });
  expect(readImageHeader(withChunks(many), 'x')).toMatchObject({
    orientation: 1,
    width: 300 + 400,
  });
});
