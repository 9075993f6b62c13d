import { expect, test } from 'vitest';
import type { RgbImage } from '../../../core/image.js';
import { Random } from '../../../core/random.js';
import type { DetectionSample, Objects } from '../../../datasets/sample.js';
import { copyPaste } from '../../../datasets/transforms/copy-paste.js';
import type { DetectionTransform } from '../../../train/config/detect.js';
import { Paster } from '../../../train/pipelines/paster.js';

const TRANSFORM: DetectionTransform = {
  kind: 'multiScale',
  scales: { shortSides: [20, 30], longSide: 60, crop: { shortSides: [40], sides: [20, 30] } },
  flipProbability: 0.5,
  copyPaste: 2,
};

const objectsAt = (box: readonly number[], kind: 'none' | 'polygons' = 'none'): Objects => {
  const [x1, y1, x2, y2] = box;
  return {
    boxes: Float32Array.from(box),
    classIndices: Int32Array.of(0),
    segmentations: [
      kind === 'none'
        ? { kind }
        : { kind, polygons: [Float64Array.of(x1, y1, x2, y1, x2, y2, x1, y2)] },
    ],
    ids: Float64Array.of(1),
  };
};

/** Samples of one object each, and how often each of them was decoded. */
function setOf(
  sizes: readonly (readonly [width: number, height: number])[],
  kind: 'none' | 'polygons' = 'none',
) {
  const decoded = sizes.map(() => 0);
  const samples = sizes.map(([width, height], i): DetectionSample => ({
    imageId: i,
    file: `${i}.jpg`,
    width,
    height,
    objects: objectsAt([width / 8, height / 8, width / 2, height / 2], kind),
    ignored: objectsAt([width / 2, height / 2, width, height]),
  }));
  const decode = ({ imageId, width, height }: DetectionSample): Promise<RgbImage> => {
    decoded[imageId]++;
    // Decoders return a Buffer.
    const data = Buffer.alloc(width * height * 3, Uint8Array.of(imageId, 7, 13, 200, 31));
    return Promise.resolve({ width, height, data });
  };
  const context = (seed: number) => ({
    random: new Random(seed),
    numSamples: samples.length,
    fetch: (index: number) => Promise.resolve(samples[index]),
  });
  return { samples, decode, decoded, context };
}

test('nothing is pasted in evaluation, or without others', async () => {
  const { samples, decode, decoded, context } = setOf([[40, 30]]);
  for (const transform of [
    { ...TRANSFORM, copyPaste: 0 },
    { kind: 'evaluation', limits: { long: 9, short: 9 } } as const,
  ])
    expect(await new Paster(transform, decode).pasted(samples[0], context(1))).toBeUndefined();
  expect(decoded).toEqual([0]);
});

test('small images are pasted as they are, and decoded once', async () => {
  const { samples, decode, decoded, context } = setOf([
    [40, 30],
    [60, 50],
    [160, 170],
  ]);
  const paster = new Paster(TRANSFORM, decode);
  for (let seed = 0; seed < 20; seed++) {
    const [target] = samples;
    const found = await paster.pasted(target, context(seed));
    const random = new Random(seed);
    const others = [];
    for (let k = 0; k < 2; k++) {
      const other = samples[random.integer(3)];
      others.push({ ...other, image: await decode(other) });
    }
    const expected = copyPaste({ ...target, image: await decode(target) }, others, random);
    const { data, ...size } = expected.image;
    expect(found?.image).toEqual({ ...size, data: new Uint8Array(data) });
    expect(found?.sample).toEqual({ ...target, objects: expected.objects });
  }
  // Twice each beside those of the expectation: 20 as target, 40 as others.
  expect(decoded.reduce((a, b) => a + b)).toBe(3 + 20 * 3);
});

test('photos of more than four times the largest view are reduced with their boxes', async () => {
  const { samples, decode, context } = setOf([[1600, 800]]);
  const found = await new Paster({ ...TRANSFORM, copyPaste: 1 }, decode).pasted(
    samples[0],
    context(3),
  );
  const { width, height, objects, ignored } = (found as { sample: DetectionSample }).sample;
  expect([width, height, found?.image.width, found?.image.height]).toEqual([320, 160, 320, 160]);
  expect([...objects.boxes.subarray(0, 4)]).toEqual([40, 20, 160, 80]);
  expect([...ignored.boxes]).toEqual([160, 80, 320, 160]);
  // That of the pasted copy has the same size elsewhere.
  const [x1, y1, x2, y2] = objects.boxes.subarray(4);
  expect([x2 - x1, y2 - y1]).toEqual([120, 60]);
});

test('images with masks, which are in pixels of the file, keep their size', async () => {
  const { samples, decode, context } = setOf([[800, 600]], 'polygons');
  const found = await new Paster(TRANSFORM, decode).pasted(samples[0], context(3));
  expect(found?.image.width).toBe(800);
});

test('calls at the same time give what they give one after the other', async () => {
  const { samples, decode, context } = setOf([
    [40, 30],
    [60, 50],
  ]);
  const [one, all] = [new Paster(TRANSFORM, decode), new Paster(TRANSFORM, decode)];
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);
  const expected = [];
  for (const seed of seeds) expected.push(await one.pasted(samples[seed % 2], context(seed)));
  const found = seeds.map((seed) => all.pasted(samples[seed % 2], context(seed)));
  expect(await Promise.all(found)).toEqual(expected);
});

test('no more images are kept than fit in 64 MiB', async () => {
  // Of 3 MB each: 22 of 30 fit.
  const { samples, decode, decoded, context } = setOf(
    Array.from({ length: 30 }, () => [1250, 800]),
    'polygons',
  );
  const paster = new Paster({ ...TRANSFORM, copyPaste: 1 }, decode);
  const own = (i: number) => ({ ...context(0), fetch: () => Promise.resolve(samples[i]) });
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 30; i++) await paster.pasted(samples[i], own(i));
  // In this order each goes before it is needed again.
  expect(decoded).toEqual(Array(30).fill(2));
  for (let i = 29; i > 10; i--) await paster.pasted(samples[i], own(i));
  expect(decoded).toEqual(Array(30).fill(2));
});
