import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkImageFiles } from '../../../datasets/coco/image-files.js';
import type { CocoImages } from '../../../io/coco/annotations.js';
import { imageNotes } from '../../../datasets/inspect-image.js';
import { readJpegTags, type ImageTags } from '../../../io/image-header/read.js';
import { ProblemLog } from '../../../datasets/problems.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coco-files-'));
  mkdirSync(join(folder, 'sub'));
  const noise = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => (i * 7919) % 251);
  const rgb = (): Sharp => sharp(noise, { raw: { width: 60, height: 40, channels: 3 } });
  const jpeg = await rgb().jpeg().toBuffer();
  const files: Record<string, Uint8Array> = {
    'good.jpg': jpeg,
    'sub/good.png': await rgb().png().toBuffer(),
    'grey.jpg': await rgb().toColourspace('b-w').jpeg().toBuffer(),
    'turned.jpg': await rgb().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    'profile.jpg': await rgb().withIccProfile('p3').jpeg().toBuffer(),
    'cut.jpg': jpeg.subarray(0, jpeg.length - 200),
    'broken.jpg': jpeg.subarray(0, 10),
    'text.jpg': new TextEncoder().encode('hello'),
    'extra.jpg': jpeg,
    'readme.txt': new Uint8Array(0),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

function listed(fileNames: readonly string[], width = 60): CocoImages {
  return {
    positions: Uint32Array.from(fileNames, (_, i) => i),
    ids: Float64Array.from(fileNames, (_, i) => i + 1),
    widths: Int32Array.from(fileNames, () => width),
    heights: Int32Array.from(fileNames, () => 40),
    fileNames,
  };
}

async function codes(
  images: CocoImages,
  decode = false,
): Promise<Record<string, readonly number[]>> {
  const log = new ProblemLog();
  await checkImageFiles({ file: 'f.json', images }, folder, log, { decode });
  return Object.fromEntries(
    log.findings().map(({ code, examples }) => [code, examples.map(({ id }) => Number(id ?? 0))]),
  );
}

const HEADER = {
  format: 'jpeg',
  width: 1,
  height: 1,
  channels: 3,
  bitsPerChannel: 8,
  isCmyk: false,
  isUnscaled: false,
} as const;

const ALL = ['good.jpg', 'sub/good.png', 'grey.jpg', 'turned.jpg', 'profile.jpg', 'cut.jpg'];

test('properties that decoders handle differently are noted, as are unlisted files', async () => {
  expect(await codes(listed([...ALL, './extra.jpg']))).toEqual({
    grey: [3],
    orientation: [4],
    'stored-frame': [4],
    'colour-profile': [4, 5],
    'image-unlisted': [0, 0],
  });
});

test('every missing, unreadable and wrongly sized image is reported', async () => {
  const names = ['good.jpg', 'none.jpg', 'no/where.jpg', 'broken.jpg', 'text.jpg', '../x.jpg'];
  expect(await codes(listed(names))).toMatchObject({
    'image-missing': [2, 3],
    'image-unreadable': [4, 5],
  });
  expect(await codes(listed(['good.jpg', 'sub/good.png'], 61))).toMatchObject({
    'image-size': [1, 2],
  });
});

test('a truncated image is detected by decoding', async () => {
  expect(await codes(listed(ALL))).not.toHaveProperty('image-unreadable');
  expect(await codes(listed(ALL), true)).toMatchObject({ 'image-unreadable': [6] });
});

test('an orientation is read in both byte orders, and one that does not exist is noted as such', () => {
  const tags = (little: boolean, orientation: number): ImageTags => {
    const word = (value: number): number[] =>
      little ? [value & 255, value >> 8] : [value >> 8, value & 255];
    const long = (value: number): number[] =>
      little ? [...word(value), 0, 0] : [0, 0, ...word(value)];
    const mark = little ? [0x49, 0x49] : [0x4d, 0x4d];
    const entry = [...word(0x0112), ...word(3), ...long(1), ...word(orientation), 0, 0];
    const tiff = [...mark, ...word(42), ...long(8), ...word(1), ...entry];
    const payload = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
    return readJpegTags(Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, payload.length + 2, ...payload));
  };
  const noted = (orientation: number): readonly string[] =>
    imageNotes({ ...HEADER, orientation, colorProfile: false }).map(({ code }) => code);
  for (const little of [true, false])
    for (const value of [0, 1, 6, 8, 9, 513]) expect(tags(little, value).orientation).toBe(value);
  expect([0, 1, 2, 8, 9].map(noted)).toEqual([
    ['invalid-orientation'],
    [],
    ['orientation'],
    ['orientation'],
    ['invalid-orientation'],
  ]);
});

test('tags of other files, or of truncated ones, are the defaults', () => {
  const defaults = { orientation: 1, colorProfile: false };
  expect(readJpegTags(new Uint8Array(0))).toEqual(defaults);
  expect(readJpegTags(Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, 0))).toEqual(defaults);
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8];
  expect(readJpegTags(Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, 16, ...exif))).toEqual(defaults);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, isExif) => {
      const start = [0xff, 0xd8, 0xff, 0xe1, 0, isExif ? 50 : 2];
      const { orientation } = readJpegTags(
        Uint8Array.of(...start, ...(isExif ? exif.slice(0, 6) : []), ...bytes),
      );
      // Any 16 bits may stand there; what is no orientation is told by the caller.
      expect(orientation).toBeGreaterThanOrEqual(0);
      expect(orientation).toBeLessThanOrEqual(65535);
    }),
    { numRuns: 1000 },
  );
});
