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
