import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RgbImage } from '../../core/image.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { classification } from '../../inference/classify/classification.js';
import { classifierInput } from '../../inference/classify/preprocess.js';
import type { ClassifierModel } from '../../inference/model.js';
import { ClassifierBatches, type BatchOptions } from '../../serve/classifier-batches.js';

const SIDE = 8;
const CLASS_NAMES = ['dark', 'light'];

/** A picture of one gray. */
const gray = (value: number, width = 10): RgbImage => ({
  width,
  height: 10,
  data: new Uint8Array(3 * width * 10).fill(value),
});

/** Batches of a network whose second logit is the first value of an image; notes the sizes of its batches. */
function batchesOf(
  options: Partial<BatchOptions> = {},
  delayMs = 5,
): { readonly batches: ClassifierBatches; readonly sizes: number[] } {
  const sizes: number[] = [];
  const card = { pixels: IMAGENET_PIXELS, resize: evaluationResize(SIDE) };
  const model: Pick<ClassifierModel, 'preprocess' | 'predictBatch'> = {
    preprocess: (image) => Promise.resolve(classifierInput(image as RgbImage, card)),
    predictBatch: async (inputs) => {
      sizes.push(inputs.length);
      await delay(delayMs);
      return inputs.map(({ shape, data: [first] }) => {
        expect(shape).toEqual([1, SIDE, SIDE, 3]);
        if (first > 2.2) throw new Error('too bright');
        return classification(Float32Array.of(0, first), CLASS_NAMES);
      });
    },
  };
  const inTurn: BatchOptions['inTurn'] = (work) => work();
  const batches = new ClassifierBatches(model, { waitMs: 0, maxImages: 4, inTurn, ...options });
  return { batches, sizes };
}

const never = new AbortController().signal;

test('what waits during a batch is predicted together, each image with its own result', async () => {
  const { batches, sizes } = batchesOf();
  const first = batches.predict(gray(0), { top: 2, signal: never });
  await delay(1);
  const values = [30, 60, 90, 120, 150, 180, 210];
  const all = [
    first,
    ...values.map((v, i) => batches.predict(gray(v, 11 + i), { top: 2, signal: never })),
  ];
  const results = await Promise.all(all);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(8);
  expect(sizes.every((size) => [1, 2, 4].includes(size))).toBe(true);
  expect(Math.max(...sizes)).toBe(4);
  const light = results.map(
    ({ classes }) => classes.find(({ name }) => name === 'light')!.probability,
  );
  expect(light.toSorted((a, b) => a - b)).toEqual(light);
  expect(new Set(light).size).toBe(8);
  expect(results.map(({ width }) => width)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
});

test('the first image waits for others at most as long as it is said', async () => {
  const { batches, sizes } = batchesOf({ waitMs: 60_000, maxImages: 2 });
  const two = [1, 2].map((value) => batches.predict(gray(value), { top: 1, signal: never }));
  await Promise.all(two);
  expect(sizes).toEqual([2]);
  const short = batchesOf({ waitMs: 30 });
  const early = short.batches.predict(gray(1), { top: 1, signal: never });
  await delay(5);
  const late = short.batches.predict(gray(2), { top: 1, signal: never });
  expect((await Promise.all([early, late])).every(({ classes }) => classes.length === 1)).toBe(
    true,
  );
  expect(short.sizes).toEqual([2]);
});

test('an image that nobody waits for is left out, and an error is that of its batch only', async () => {
  const { batches, sizes } = batchesOf();
  const running = batches.predict(gray(0), { top: 1, signal: never });
  await delay(1);
  const left = new AbortController();
  const dropped = batches.predict(gray(10), { top: 1, signal: left.signal });
  const kept = batches.predict(gray(20), { top: 1, signal: never });
  left.abort(new Error('the client left'));
  await expect(dropped).rejects.toThrow('the client left');
  await Promise.all([running, kept]);
  expect(sizes).toEqual([1, 1]);
  await expect(batches.predict(gray(255), { top: 1, signal: never })).rejects.toThrow('too bright');
  expect((await batches.predict(gray(0), { top: 1, signal: never })).classes).toHaveLength(1);
});
