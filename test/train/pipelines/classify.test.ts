import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { decodeImage } from '../../../io/image/decode.js';
import type { ClassificationSample } from '../../../datasets/sample.js';
import { evaluationResize, resizeForEvaluation } from '../../../datasets/transforms/evaluation.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from '../../../datasets/transforms/normalize.js';
import { RAND_AUGMENT } from '../../../datasets/transforms/rand-augment.js';
import { RANDOM_ERASING } from '../../../datasets/transforms/random-erasing.js';
import { RANDOM_RESIZED_CROP } from '../../../datasets/transforms/random-resized-crop.js';
import {
  CLASSIFICATION_PIPELINE,
  type ClassificationBatch,
} from '../../../train/pipelines/classify.js';
import { maxError } from '../../helpers/fixtures.js';
import { run } from './run-pipeline.js';
import type { ClassificationTransform } from '../../../train/config/classify.js';

let folder = '';
let samples: ClassificationSample[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'classification-'));
  samples = await Promise.all(
    [0, 1, 2, 3, 4].map(async (i) => {
      const [width, height] = [40 + 9 * i, 61 - 7 * i];
      const random = new Random(i);
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
      const file = join(folder, `${i}.png`);
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(file);
      return { file, classIndex: i - 1 };
    }),
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const EVALUATION: ClassificationTransform = { kind: 'evaluation', resize: evaluationResize(32) };
const TRAINING: ClassificationTransform = {
  kind: 'training',
  inputSize: 32,
  crop: RANDOM_RESIZED_CROP,
  filter: 'bicubic',
  flipProbability: 0.5,
};
const RECIPE: ClassificationTransform = {
  ...TRAINING,
  randAugment: RAND_AUGMENT,
  erasing: RANDOM_ERASING,
  mix: { mixupAlpha: 0.8, cutmixAlpha: 1, probability: 1, switchProbability: 0.5 },
};

/** All batches of an epoch, with the images copied. */
async function batches(
  transform: ClassificationTransform,
  { set = samples, batchSize = 2, numWorkers = 0, epoch = 0 } = {},
): Promise<ClassificationBatch[]> {
  const options = { batchSize, numWorkers, epoch, seed: 4 };
  return run<ClassificationSample, ClassificationBatch>(
    CLASSIFICATION_PIPELINE,
    set,
    { transform },
    options,
  );
}

describe('evaluation', () => {
  test('a batch holds the evaluation transforms of its images', async () => {
    const seen = await batches(EVALUATION, { numWorkers: 2 });
    expect(seen.map((b) => b.shape[0])).toEqual([2, 2, 1]);
    expect(seen.flatMap((b) => [...b.labels])).toEqual([-1, 0, 1, 2, 3]);
    expect(seen.flatMap((b) => [...b.indices])).toEqual([0, 1, 2, 3, 4]);
    const expected = new Float32Array(32 * 32 * 3);
    for (const [i, { file }] of samples.entries()) {
      const image = resizeForEvaluation(await decodeImage(file), evaluationResize(32));
      normalizeInto(image, normalizationTable(IMAGENET_PIXELS), expected, { offset: 0 });
      const { images, shape, lambda } = seen[i >> 1];
      expect(images.length).toBe(shape[0] * 32 * 32 * 3);
      expect(lambda).toBe(1);
      const start = (i % 2) * expected.length;
      expect(maxError(images.subarray(start, start + expected.length), expected)).toBe(0);
    }
  });
});

describe('training', () => {
  test.each([
    ['crop and flip', TRAINING],
    ['the whole recipe', RECIPE],
  ])('%s does not depend on the number of workers', async (_, transform) => {
    const set = samples.slice(0, 4);
    const inline = await batches(transform, { set });
    expect(await batches(transform, { set, numWorkers: 2 })).toEqual(inline);
    const other = await batches(transform, { set, epoch: 1 });
    expect(maxError(other[0].images, inline[0].images)).toBeGreaterThan(0.5);
  });

  test('RandAugment sees the image and nothing of the buffer behind it', async () => {
    // 75 · 75 · 3 bytes are no size that the pool hands out exactly.
    const odd = (scale: number): ClassificationTransform => ({
      ...TRAINING,
      inputSize: 75,
      randAugment: { ...RAND_AUGMENT, numOperations: scale, probability: 1 },
    });
    const first = await batches(odd(4), { batchSize: 1 });
    expect(await batches(odd(4), { batchSize: 1 })).toEqual(first);
    const shuffledBuffers = await batches(odd(4), { batchSize: 1, numWorkers: 2 });
    expect(shuffledBuffers).toEqual(first);
  });

  test('an image is transformed the same in any batch', async () => {
    const alone = await batches(TRAINING, { batchSize: 1 });
    const [together] = await batches(TRAINING, { batchSize: 5 });
    const values = 32 * 32 * 3;
    alone.forEach(({ images }, i) =>
      expect(together.images.subarray(i * values, (i + 1) * values)).toEqual(images),
    );
  });

  test('every part of the recipe has an effect', async () => {
    const set = samples.slice(0, 2);
    const [plain] = await batches(TRAINING, { set });
    const options: Partial<Extract<ClassificationTransform, { kind: 'training' }>>[] = [
      { randAugment: { ...RAND_AUGMENT, numOperations: 6, probability: 1 } },
      { erasing: { ...RANDOM_ERASING, probability: 1 } },
      { mix: { mixupAlpha: 1, cutmixAlpha: 0, probability: 1, switchProbability: 0 } },
    ];
    for (const extra of options) {
      const [batch] = await batches({ ...TRAINING, ...extra } as ClassificationTransform, { set });
      expect(maxError(batch.images, plain.images)).toBeGreaterThan(0.1);
      if ('mix' in extra) expect(batch.lambda).toBeLessThan(1);
      else expect(batch.lambda).toBe(1);
    }
  });

  test('mixing an odd batch is rejected', async () => {
    await expect(batches(RECIPE, { batchSize: 5 })).rejects.toThrow(/even number of images, got 5/);
  });
});

test('a broken image is a DataError with its file', async () => {
  const file = join(folder, 'broken.jpg');
  writeFileSync(file, 'no image');
  const set = [samples[0], { file, classIndex: 0 }];
  const error = await batches(EVALUATION, { set, numWorkers: 1 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  expect(error).toMatchObject({ file });
  expect((error as DataError).message).toMatch(/^\/.*broken.jpg: expected a JPEG, PNG, .+ image/);
});
