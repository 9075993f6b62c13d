import { expect, test } from 'vitest';
import { imageNetClasses } from '../../../datasets/classes/imagenet.js';

test('the classes of ImageNet are in the order of their WordNet ids, each once', () => {
  const classes = imageNetClasses();
  const ids = classes.map(({ key }) => key);
  expect(ids).toHaveLength(1000);
  expect(ids).toEqual([...ids].sort());
  expect(ids.every((id) => /^n\d{8}$/.test(id))).toBe(true);
  expect([0, 134, 207, 517, 999].map((index) => classes[index])).toEqual([
    { key: 'n01440764', name: 'tench' },
    { key: 'n02012849', name: 'crane' },
    { key: 'n02099601', name: 'golden retriever' },
    { key: 'n03126707', name: 'crane' },
    { key: 'n15075141', name: 'toilet tissue' },
  ]);
});
