import { expect, test } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { loadModel } from '../../../inference/web/load-model.js';
import { pixelsOf } from '../../../inference/web/picture.js';

/** The error of a call, which must be one of ours. */
async function refusal(call: () => Promise<unknown>): Promise<string> {
  const error: unknown = await call().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

test.each<[unknown, RegExp]>([
  [null, /, got null$/],
  ['photo.jpg', /, got "photo\.jpg"$/],
  [{}, /, got \{\} without pixels/],
  // An <img> that is not loaded yet.
  [{ naturalWidth: 0, naturalHeight: 0 }, /without pixels \(await image\.decode\(\) first\?\)$/],
  [{ width: 4, height: 4 }, /that cannot be read: /],
  [{ width: 4, height: 4, data: [1] }, /data that is an Array$/],
])('the image %j is refused', async (image, message) => {
  const text = await refusal(() => pixelsOf(image as never));
  expect(text).toMatch(/^image: expected /);
  expect(text).toMatch(message);
});

test('sources and options of another kind are refused before anything is fetched', async () => {
  const load = loadModel as (...values: readonly unknown[]) => Promise<unknown>;
  expect(await refusal(() => load(null))).toMatch(/^loadModel: expected the URL .*, got null$/);
  expect(await refusal(() => load('m', { thread: 2 }))).toMatch(/got thread; nearest: threads$/);
  expect(await refusal(() => load('m', { score: '1' }))).toMatch(/^score: .*, got "1"$/);
  expect(await refusal(() => load('m', { signal: {} }))).toMatch(/^signal: expected an AbortSig/);
});
