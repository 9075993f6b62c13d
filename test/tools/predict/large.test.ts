import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { WHOLE_PIXELS } from '../../../io/image/parts.js';
import { openAndPredict } from '../../helpers/open-and.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { saveSmallModels, type SmallModels } from '../../serve/small-models.js';

/** Just too large to be decoded at once. */
const SIDE = 8200;
const TILES = { tile: 4200, overlap: 0.03 };
const { folder, path } = temporaryFolder();
let models: SmallModels;

beforeAll(async () => {
  models = await saveSmallModels(folder);
  const noise = await sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  } as never)
    .resize(400, 400)
    .png()
    .toBuffer();
  await sharp({
    create: { width: SIDE, height: SIDE, channels: 3, background: '#000' },
    limitInputPixels: false,
  })
    .composite([{ input: noise, tile: true }])
    .removeAlpha()
    .tiff({ tile: true, tileWidth: 512, tileHeight: 512, compression: 'jpeg' })
    .toFile(path('large.tif'));
  expect(SIDE * SIDE).toBeGreaterThan(WHOLE_PIXELS);
});

interface Document {
  readonly predictions: readonly { readonly width: number; readonly height: number }[];
}

test('a detector writes objects of the whole picture, and draws a reduced one', async () => {
  const out = path('objects');
  const document = (await openAndPredict(models.detect, [path('large.tif')], {
    ...TILES,
    out,
    score: 0,
  })) as Document;
  expect(document.predictions).toMatchObject([{ width: SIDE, height: SIDE }]);
  const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as {
    readonly bbox: readonly number[];
    readonly segmentation?: { readonly size: readonly number[] };
  }[];
  expect(results.length).toBeGreaterThan(10);
  expect(Math.max(...results.map(({ bbox: [x, , width] }) => x + width))).toBeGreaterThan(4200);
  for (const { segmentation } of results) expect(segmentation?.size).toEqual([SIDE, SIDE]);
  expect(await sharp(join(out, 'large.png')).metadata()).toMatchObject({
    width: 4096,
    height: 4096,
  });
});

test('without tiles a picture beyond the limit is refused with a remedy', async () => {
  const huge = path('huge.tif');
  await sharp({
    create: { width: 14000, height: 13000, channels: 3, background: '#123' },
    limitInputPixels: false,
  })
    .tiff({ tile: true, compression: 'deflate' })
    .toFile(huge);
  const refused = openAndPredict(models.detect, [huge], {});
  await expect(refused).rejects.toThrow(DataError);
  await expect(refused).rejects.toThrow('--tile 1024');
});
