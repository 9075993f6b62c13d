import { expect, test } from 'vitest';
import { splitCoco } from '../../../datasets/coco/set.js';
import { detectionSet } from '../../../datasets/in-memory.js';
import { categoryBars } from '../../../train/detect/report-sections.js';

test('the objects of a divided set are those of its images', () => {
  const image = { width: 8, height: 8, data: new Uint8Array(192) };
  const object = { box: [0, 0, 4, 4] as const, label: 'cat' };
  const set = detectionSet(
    Array.from({ length: 10 }, () => ({ image, objects: [object, object] })),
    ['cat', 'dog'],
  );
  const { train, val } = splitCoco(set, { valFraction: 0.2, seed: 0 });
  expect(categoryBars('a', train, 8)).toMatchObject({
    note: '16 objects in 8 images',
    bars: [{ value: 16 }, { value: 0 }],
  });
  expect(categoryBars('a', val, 2).note).toBe('4 objects in 2 images');
});
