import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { cutImage, MAX_SIDE } from '../../../core/image.js';
import { Random } from '../../../core/random.js';
import { hasTiffTiles } from '../../../io/image-header/tiff-layout.js';
import { decodeImage, decodeImageBytes } from '../../../io/image/decode.js';
import { imageParts } from '../../../io/image/parts.js';
import { grayPicture } from '../../../io/image/thumbnail.js';
import { readBytes } from '../../../io/files/read.js';
import { buildPng } from '../../helpers/png.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const [WIDTH, HEIGHT] = [83, 61];
const { folder } = temporaryFolder();

beforeAll(async () => {
  const random = new Random(3);
  const data = Buffer.from(Array.from({ length: WIDTH * HEIGHT * 4 }, () => random.integer(256)));
  const picture = (channels: 3 | 4): Sharp =>
    sharp(data.subarray(0, WIDTH * HEIGHT * channels), {
      raw: { width: WIDTH, height: HEIGHT, channels },
    });
  const tiles = { tile: true, tileWidth: 16, tileHeight: 16, compression: 'deflate' } as const;
  await picture(3).png().toFile(join(folder, 'rgb.png'));
  await picture(4).png().toFile(join(folder, 'alpha.png'));
  await picture(3).greyscale().png().toFile(join(folder, 'gray.png'));
  await picture(3).toColourspace('rgb16').png().toFile(join(folder, 'deep.png'));
  await picture(3).jpeg().toFile(join(folder, 'plain.jpg'));
  await picture(3).toColourspace('cmyk').jpeg().toFile(join(folder, 'cmyk.jpg'));
  await picture(3).tiff(tiles).toFile(join(folder, 'tiles.tif'));
  await picture(3)
    .tiff({ ...tiles, bigtiff: true })
    .toFile(join(folder, 'big.tif'));
  await picture(3).tiff({ compression: 'lzw' }).toFile(join(folder, 'strips.tif'));
  for (let orientation = 1; orientation <= 8; orientation++)
    await picture(3)
      .withMetadata({ orientation })
      .jpeg()
      .toFile(join(folder, `turned-${orientation}.jpg`));
  for (const orientation of [3, 6])
    await picture(3)
      .withMetadata({ orientation })
      .tiff(tiles)
      .toFile(join(folder, `turned-${orientation}.tif`));
});

const TURNED = Array.from({ length: 8 }, (_, i) => `turned-${i + 1}.jpg`);

describe.each([
  ...[
    'rgb.png',
    'alpha.png',
    'gray.png',
    'deep.png',
    'plain.jpg',
    'cmyk.jpg',
    'tiles.tif',
    'big.tif',
  ],
  ...['strips.tif', ...TURNED, 'turned-3.tif', 'turned-6.tif'],
])('%s', (name) => {
  test.each([{ upright: true }, { upright: false }])(
    'parts are those of the whole image: %j',
    async (options) => {
      const file = join(folder, name);
      const whole = await decodeImage(file, options);
      for (const source of [file, await readBytes(file)]) {
        const parts = await imageParts(source, file, options, 100);
        expect([parts.width, parts.height]).toEqual([whole.width, whole.height]);
        for (const [x, y, width, height] of [
          ...[
            [0, 0, 30, 20],
            [25, 0, 30, 20],
            [0, 20, 61, 20],
            [11, 33, 50, 20],
          ],
          ...[
            [0, 0, 7, 1],
            [whole.width - 9, whole.height - 5, 9, 5],
          ],
        ]) {
          const rect = { x, y, width, height };
          expect(await parts.part(rect), JSON.stringify(rect)).toEqual(
            plain(cutImage(whole, rect)),
          );
        }
      }
    },
  );
});

const plain = (image: { width: number; height: number; data: Uint8Array }) => ({
  ...image,
  data: expect.toSatisfy(
    (data: Uint8Array) => Buffer.compare(data, image.data) === 0,
  ) as Uint8Array,
});

test('tiles of a TIFF are found, in both byte orders and sizes of offsets', async () => {
  const layout = async (name: string): Promise<boolean> => {
    const bytes = await readBytes(join(folder, name));
    return hasTiffTiles((at, length) => Promise.resolve(bytes.subarray(at, at + length)));
  };
  expect(await layout('tiles.tif')).toBe(true);
  expect(await layout('big.tif')).toBe(true);
  expect(await layout('strips.tif')).toBe(false);
  expect(await layout('rgb.png')).toBe(false);
  const motorola = Buffer.from('4d4d002a00000008000101420003000000010100000000000000', 'hex');
  expect(await hasTiffTiles((at, n) => Promise.resolve(motorola.subarray(at, at + n)))).toBe(true);
  expect(await hasTiffTiles(() => Promise.resolve(new Uint8Array(0)))).toBe(false);
});

test('a small image is decoded once, and a broken or too large one is refused', async () => {
  const file = join(folder, 'rgb.png');
  const parts = await imageParts(file, file);
  expect(await parts.part({ x: 0, y: 0, width: WIDTH, height: HEIGHT })).toEqual(
    await decodeImage(file),
  );
  await expect(imageParts(join(folder, 'none.png'), 'none.png')).rejects.toThrow(DataError);
  const bytes = (await readBytes(join(folder, 'strips.tif'))).slice(0, 3000);
  await expect(decodeImageBytes(bytes, 'cut.tif')).rejects.toThrow(DataError);
  await expect(
    (async () => {
      const cut = await imageParts(bytes, 'cut.tif', {}, 100);
      for (let y = 0; y < HEIGHT; y++) await cut.part({ x: 0, y, width: WIDTH, height: 1 });
    })(),
  ).rejects.toThrow(DataError);
  await expect(imageParts(file, file, { maxPixels: 50 }, 20)).rejects.toThrow('at most 50 pixels');
  const wide = { width: MAX_SIDE + 1, height: 1, bitDepth: 8, colorType: 0, rows: bytes };
  await expect(imageParts(buildPng(wide), 'wide.png', {}, 20)).rejects.toThrow(
    `wide.png: expected sides of at most ${MAX_SIDE} pixels, got ${MAX_SIDE + 1}x1`,
  );
  await writeFile(join(folder, 'wide.png'), buildPng(wide));
  await expect(grayPicture(join(folder, 'wide.png'), { width: 4, height: 4 })).rejects.toThrow(
    'sides of at most',
  );
});
