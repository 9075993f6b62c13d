import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { readImageHeader } from '../../../io/image-header/read.js';

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
  expect(() => readImageHeader(new Uint8Array(40), 'x')).toThrow('expected a JPEG or PNG image');
});

test('Adobe’s marker is found before and after the frame header', async () => {
  const jpeg = await blank(3).jpeg().toBuffer();
  const marker = Buffer.from('\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x02', 'latin1');
  const scan = jpeg.indexOf(Uint8Array.of(0xff, 0xda));
  const at = (place: number): Buffer =>
    Buffer.concat([jpeg.subarray(0, place), marker, jpeg.subarray(place)]);
  expect(readImageHeader(jpeg, 'x').adobe).toBe(false);
  expect(readImageHeader(at(2), 'x').adobe).toBe(true);
  expect(readImageHeader(at(scan), 'x').adobe).toBe(true);
});
