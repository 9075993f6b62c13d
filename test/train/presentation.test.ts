import { expect, test } from 'vitest';
import type { DetectorModel, SegmenterModel } from '../../inference/model.js';
import { presentObjects } from '../../train/detect/presentation.js';
import { presentPixels } from '../../train/segment/presentation.js';

test('one picture is one overlay', () => {
  const card = { classNames: ['nut'], categoryIds: [1] };
  const objects = presentObjects({ card } as unknown as DetectorModel, {} as never);
  const pixels = presentPixels({ card } as unknown as SegmenterModel, undefined);
  for (const { wrote } of [objects, pixels]) {
    expect(wrote(1, 'out')).toMatch(/^wrote 1 overlay, /);
    expect(wrote(2, 'out')).toMatch(/^wrote 2 overlays, /);
  }
});

test('where no object is shown, the likeliest is named with the option that shows it', () => {
  const card = { classNames: ['nut'], categoryIds: [1] };
  const shown = { score: 0.5, from: 'validation' } as const;
  const objects = presentObjects({ card } as unknown as DetectorModel, shown);
  const line = (...scores: readonly number[]): unknown => {
    const found = scores.map((score) => ({ name: 'nut', classIndex: 0, score, box: [0, 0, 1, 1] }));
    return objects.text({ file: 'a.jpg', result: { objects: found } } as never)[0];
  };
  expect(line(0.3, 0.419)).toBe(
    'a.jpg: 0 objects; the likeliest: nut 41 % (--score 0.41 shows it)',
  );
  expect(line(0.004)).toBe('a.jpg: 0 objects');
  expect(line()).toBe('a.jpg: 0 objects');
  expect(line(0.6)).toBe('a.jpg: 1 object');
});
