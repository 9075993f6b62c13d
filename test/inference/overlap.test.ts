import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { Random } from '../../core/random.js';
import type { ImageModel } from '../../inference/model.js';
import { evaluate } from '../../train/evaluate.js';
import { tinyModels } from '../helpers/tiny-models.js';

let models: Record<'classify' | 'detect' | 'segment', ImageModel>;

beforeAll(async () => {
  models = await tinyModels();
});
afterAll(async () => {
  for (const model of Object.values(models)) await model.release();
});

const random = new Random(7);
const images: readonly RgbImage[] = Array.from({ length: 8 }, (_, i) => {
  const [width, height] = [60 + 9 * (i % 4), 50 + 7 * (i % 3)];
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  return { width, height, data };
});

test('a call keeps the options that it was made with', async () => {
  const call = { max: 1, tile: { size: 64, overlap: 0.2 } };
  const expected = await models.detect.predict(images[0], structuredClone(call));
  const result = models.detect.predict(images[0], call);
  call.max = 5;
  call.tile.size = 32;
  expect(await result).toEqual(expected);
  expect(expected).toMatchObject({ objects: { length: 1 } });
});

describe.each(['classify', 'detect', 'segment'] as const)('%s', (task) => {
  test('eight calls at once give the same bits as one after another', async () => {
    const model = models[task];
    const single: unknown[] = [];
    for (const image of images) single.push(await model.predict(image));
    const results = await Promise.all(images.map(async (image) => await model.predict(image)));
    expect(results).toEqual(single);
    if (results[0].task === 'detect') expect(results[0].objects.length).toBeGreaterThan(5);
  }, 60_000);

  test('one that is no image among eight is refused alone', async () => {
    const model = models[task];
    const expected = await model.predict(images[0]);
    const calls = images.map(async (image, i) =>
      i === 3 ? await model.predict({ ...image, height: 1 }) : await model.predict(images[0]),
    );
    const settled = await Promise.allSettled(calls);
    settled.forEach((call, i) => {
      if (i === 3) expect(call).toMatchObject({ reason: expect.any(InputError) as unknown });
      else expect(call).toEqual({ status: 'fulfilled', value: expected });
    });
  }, 60_000);

  test('a signal ends a call at once, and the others go on', async () => {
    const model = models[task];
    const expected = await model.predict(images[1]);
    const control = new AbortController();
    const [first, second, third] = [images[0], images[1], images[1]].map(
      async (image, i) =>
        await model.predict(image, i < 2 ? { signal: control.signal } : undefined),
    );
    control.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await expect(second).rejects.toThrow('enough');
    expect(await third).toEqual(expected);
  }, 60_000);
});

test('images in memory are scored; other data is refused', async () => {
  const [image] = images;
  const labels = { ...image, data: new Uint8Array(image.width * image.height) };
  expect(await evaluate(models.classify, [{ image, label: 'b' }])).toMatchObject({ count: 1 });
  const objects = [{ box: [1, 2, 20, 30], label: 2 }] as const;
  expect(await evaluate(models.detect, [{ image, objects }])).toMatchObject({ count: 1 });
  expect(await evaluate(models.segment, [{ image, labels }])).toMatchObject({ count: 1 });
  await expect(evaluate(models.detect, {} as never)).rejects.toThrow(InputError);
}, 60_000);

test('a released model refuses calls', async () => {
  const { classify } = models;
  const running = classify.predict(images[0]);
  await classify.release();
  expect((await running).task).toBe('classify');
  await expect(classify.predict(images[0])).rejects.toThrow(InputError);
  await expect(classify.predict(images[0])).rejects.toThrow('after release()');
  await classify.release();
});
