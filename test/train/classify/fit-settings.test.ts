import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { classificationSet } from '../../../datasets/in-memory.js';
import { readImageNet, type ClassificationSet } from '../../../datasets/imagenet.js';
import { fitClassifier } from '../../../train/classify/fit-settings.js';
import { CLASSIFY } from '../../../train/recipes/classify.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

/** Set of gray images of these sizes, of two classes by turns. */
function images(...sizes: readonly (readonly [number, number])[]): ClassificationSet {
  const examples = sizes.map(([width, height], i) => ({
    image: { width, height, data: new Uint8Array(3 * width * height) },
    label: i % 2,
  }));
  return classificationSet(examples, ['a', 'b']);
}
const fitted = (set: ClassificationSet, ...kept: readonly string[]): Promise<unknown> =>
  fitClassifier(set, CLASSIFY, (path) => kept.includes(path));
const input = (inputSize: number): object => ({
  training: { inputSize },
  evaluation: { inputSize },
});

describe('the input of a classifier', () => {
  test('is no larger than the images: the median short side, in steps of 32 px', async () => {
    expect(await fitted(images([64, 64], [64, 80]))).toEqual(input(64));
    expect(await fitted(images([65, 200], [300, 70], [2000, 1000]))).toEqual(input(96));
    expect(await fitted(images([28, 28], [28, 28]))).toEqual(input(64));
  });

  test('is that of the recipe for larger ones, and without images', async () => {
    expect(await fitted(images([640, 480], [113, 113]))).toEqual({});
    expect(await fitted(images())).toEqual({});
  });

  test('is what the user set, in training or in evaluation', async () => {
    const small = images([64, 64], [64, 64]);
    for (const path of ['training.inputSize', 'evaluation.inputSize'])
      expect(await fitted(small, path)).toEqual({});
  });
});

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

test('the sizes of files are read from their headers', async () => {
  const folder = writeTinyClasses({ perClass: 2 });
  folders.push(folder);
  expect(await fitted(readImageNet(folder, { split: 'train' }))).toEqual(input(64));
  const missing = join(mkdtempSync(join(tmpdir(), 'convnextv2-fit-')), 'gone.png');
  folders.push(join(missing, '..'));
  const set = { ...images(), samples: [{ file: missing, classIndex: 0 }] };
  await expect(fitted(set)).rejects.toThrow(/gone\.png/);
});
