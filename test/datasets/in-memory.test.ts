import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { detectionSet, imageSamples } from '../../datasets/in-memory.js';
import { imageOf } from '../../datasets/sample.js';

test('pixels of another realm, as test runners have them, are pixels', () => {
  const data = runInNewContext('new Uint8Array(12)') as Uint8Array;
  expect(data instanceof Uint8Array).toBe(false);
  const image = { width: 2, height: 2, data };
  expect(imageSamples([{ image }])).toHaveLength(1);
  const objects = [{ box: [0, 0, 1, 1] as const, label: 'cat' }];
  expect(detectionSet([{ image, objects }], ['cat']).images.ids).toHaveLength(1);
});

test.each([Buffer.alloc(12, 7), new Uint8Array(12).fill(7)])(
  'transforms do not change the pixels of an example, whatever array they are in',
  async (data) => {
    const image = { width: 2, height: 2, data };
    const copy = await imageOf({ file: 'example 1', image });
    copy.data.fill(9);
    expect([...data]).toEqual(Array(12).fill(7));
  },
);
