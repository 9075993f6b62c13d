import { expect, test } from 'vitest';
import { VARIANTS } from '../../../backbone/variants.js';
import { detectorMacs } from '../../../models/detection/macs.js';
import { CASCADE_MASK_RCNN } from '../../../models/cascade.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';

const size = { width: 1280, height: 800 };
const giga = (macs: number): number => macs / 1e9;

test('the published 262 G of Mask R-CNN on a Tiny backbone at 1280×800', () => {
  // 1000 regions and, as the published count has it, 100 masks of all 80 classes.
  const work = { size, numRois: 1000, numMasks: 100 };
  expect(giga(detectorMacs(VARIANTS.tiny, MASK_RCNN, work))).toBeCloseTo(262, -1.3);
});

test('work adds up: regions, masks and stages', () => {
  const macs = (numRois: number, numMasks: number, config = MASK_RCNN): number =>
    detectorMacs(VARIANTS.atto, config, { size, numRois, numMasks });
  const base = macs(0, 0);
  const roi = 7 * 7 * 256 * 1024 + 1024 * 1024 + 1024 * (81 + 320);
  expect(macs(3, 0) - base).toBe(3 * roi);
  const mask = 14 * 14 * (4 * 9 * 256 * 256 + 4 * 256 * 256 + 4 * 256);
  expect(macs(0, 2) - base).toBe(2 * mask);
  expect(macs(0, 2, CASCADE_MASK_RCNN as unknown as typeof MASK_RCNN) - base).toBe(6 * mask);
});
