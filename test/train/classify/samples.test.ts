import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeImage } from '../../../io/image/decode.js';
import { readImageNet } from '../../../datasets/imagenet.js';
import { readSamples } from '../../../report/samples.js';
import { classification } from '../../../inference/classify/classification.js';
import { SampleClassifications } from '../../../train/classify/samples.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

const data = writeTinyClasses({ classes: 3, perClass: 3 });
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-classify-samples-'));
afterAll(() => [data, folder].forEach((path) => rmSync(path, { recursive: true })));

const set = readImageNet(data, { split: 'val' });
const SAMPLED = [1, 3, 5, 7]; // of nine images, spread evenly

const NAMES = set.classes.map(({ name }) => name);

/** Predictions for all images: class `k` of image `i` has `logit(i, k)`. */
async function evaluate(
  samples: SampleClassifications,
  logit: (image: number, classIndex: number) => number,
): Promise<void> {
  for (const i of set.samples.keys())
    samples.take(i, classification(Float32Array.of(logit(i, 0), logit(i, 1), logit(i, 2)), NAMES));
  await samples.finish();
}

test('four images are drawn with what they are taken for, anew at every evaluation', async () => {
  const samples = new SampleClassifications(set, folder);
  await evaluate(samples, (i, k) => (k === set.samples[i].classIndex ? Math.log(8) : 0));
  const names = ['image-1.jpg', 'image-2.jpg', 'image-3.jpg', 'image-4.jpg'];
  expect(readdirSync(join(folder, 'samples')).sort()).toEqual([...names, 'samples.json']);
  const captions = (): string[] => readSamples(folder)!.items.map(({ caption }) => caption);
  // e^ln 8 / (8 + 1 + 1)
  expect(captions()).toEqual(
    SAMPLED.map((i) => {
      const name = `class${Math.floor(i / 3)}`;
      return `${i % 3}.png: ${name}; predicted ${name} 80%`;
    }),
  );
  const first = readFileSync(join(folder, 'samples/image-1.jpg'));

  await evaluate(samples, (_, k) => (k === 2 ? Math.log(2) : 0));
  expect(captions()[0]).toBe('1.png: class0; predicted class2 50%');
  expect(readFileSync(join(folder, 'samples/image-1.jpg')).equals(first)).toBe(false);
  const { width, height } = await decodeImage(join(folder, 'samples/image-1.jpg'));
  expect(width).toBe(8 * 40); // small images are enlarged to be read
  expect(height).toBeGreaterThan(8 * 40); // the classes below
});

test('images that were not scored are left out', async () => {
  const samples = new SampleClassifications(set, folder);
  samples.take(3, classification(Float32Array.of(0, 9, 0), NAMES));
  await samples.finish();
  const { items } = readSamples(folder)!;
  expect(items.map(({ file }) => file)).toEqual(['samples/image-2.jpg']);
  expect(items[0].caption).toBe('0.png: class1; predicted class1 100%');
});
