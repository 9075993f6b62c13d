import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { segmentResult, type ImageResult } from '../../core/results.js';
import { decodeExamples } from '../../datasets/in-memory.js';
import { decodeImage } from '../../io/image/decode.js';
import { draw } from '../../report/draw.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/*
 * Photos as phones store them: turned, with an EXIF orientation. Predictions, examples in memory and drawings are in one
 * frame.
 */
const { path } = temporaryFolder();
const random = new Random(3);
const [WIDTH, HEIGHT] = [48, 36]; // of the stored pixels
const photo = (orientation: number): string => path(`photo${orientation}.jpg`);

beforeAll(async () => {
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => random.integer(256));
  for (const orientation of [1, 3, 6, 8])
    await sharp(pixels, { raw }).withMetadata({ orientation }).jpeg().toFile(photo(orientation));
});

test.each([3, 6])('orientation %i: a result is drawn on the image it is of', async (o) => {
  const file = photo(o);
  const upright = await decodeImage(file, { upright: true });
  expect(upright.width).toBe(o > 4 ? HEIGHT : WIDTH);
  const { width, height } = upright;
  const results: readonly ImageResult[] = [
    { task: 'detect', width, height, objects: [] },
    segmentResult({ width, height, labels: new Uint8Array(width * height), classNames: ['a'] }),
  ];
  for (const result of results) {
    const expected = await draw(result, upright);
    expect(await draw(result, file)).toEqual(expected);
    expect(await draw(result, readFileSync(file))).toEqual(expected);
  }
  // Classes are those of the stored pixels, as in timm.
  const classes = { task: 'classify', width: WIDTH, height: HEIGHT, classes: [] } as const;
  expect(await draw(classes, file)).toEqual(await draw(classes, await decodeImage(file)));
});

test.each([1, 3, 6, 8])('orientation %i: examples are in the frame of predictions', async (o) => {
  const image = photo(o);
  const [stored, upright] = [await decodeImage(image), await decodeImage(image, { upright: true })];
  const labelsOf = ({ width, height }: { readonly width: number; readonly height: number }) => ({
    width,
    height,
    data: new Uint8Array(width * height),
  });
  const [classify] = await decodeExamples('classify', [{ image, label: 'a' }]);
  const [detect] = await decodeExamples('detect', [{ image, objects: [] }]);
  const segment = await decodeExamples(
    'segment',
    [upright, stored].map((size) => ({ image, labels: labelsOf(size) })),
  );
  expect(classify.image).toEqual(stored);
  expect(detect.image).toEqual(upright);
  expect(segment[0].image).toEqual(upright);
  expect(segment[1].image).toEqual(o > 4 ? stored : upright);
});

test('examples of 16 bits are scaled as the model’s training images were', async () => {
  const values = Uint16Array.from({ length: 64 }, (_, i) => 16 * i);
  const image = path('deep.png');
  await sharp(values, { raw: { width: 8, height: 8, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toFile(image);
  const range = [0, 1008] as const;
  const [plain] = await decodeExamples('detect', [{ image, objects: [] }]);
  const [scaled] = await decodeExamples('detect', [{ image, objects: [] }], range);
  expect(scaled.image).toEqual(await decodeImage(image, { range }));
  expect(scaled.image).not.toEqual(plain.image);
});
