import { expect, test } from 'vitest';
import { benchmarkDetector } from '../../../train/detect/benchmark.js';
import { MASK_RCNN, type MaskRcnnConfig } from '../../../models/mask-rcnn.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';

const [stage] = MASK_RCNN.stages;
const detector: MaskRcnnConfig = {
  ...MASK_RCNN,
  channels: 8,
  numClasses: 5,
  stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 8 } }],
};
const options = {
  backbone: { depths: [1, 1, 1, 1], dims: [4, 4, 8, 8], responseNorm: 'grn' },
  sizePx: 96,
  batch: 2,
  repeats: 2,
  frozen: true,
} as const;

test('inference works on what a trained model would let through', async () => {
  const result = await benchmarkDetector(
    await engineOf('compiled'),
    { ...options, mode: 'infer' },
    detector,
  );
  expect(result.paddedSize).toEqual([96, 128]);
  expect(result.timesMs.length).toBe(2);
  const { boxRegions, candidates, detections } = result.counts;
  expect(boxRegions).toBeGreaterThan(100);
  expect(candidates).toBe(1500);
  expect(detections).toBe(100);
  const parts = Object.values(result.partsMs ?? {});
  expect(parts.length).toBe(7);
  expect(parts.every((ms) => ms >= 0)).toBe(true);
  expect(result.overheadShare).toBeLessThan(1);
});

test('training samples 512 RoIs per image and has positives for the masks', async () => {
  const result = await benchmarkDetector(
    await engineOf('compiled'),
    { ...options, mode: 'train' },
    detector,
  );
  const { boxRegions, positives, maskRows, objects } = result.counts;
  expect(boxRegions).toBeGreaterThan(0);
  expect(boxRegions).toBeLessThanOrEqual(2 * 512);
  expect(positives).toBeGreaterThanOrEqual(objects); // ground truths are among the RoIs
  expect(maskRows).toBeGreaterThanOrEqual(positives);
  expect(result.gflops).toBeGreaterThan(0);
});
