import { expect, test } from 'vitest';
import { detectionSet } from '../../../datasets/in-memory.js';
import { boxShapes } from '../../../datasets/coco/box-shapes.js';

const image = { width: 200, height: 100, channels: 3, data: new Uint8Array(60_000) } as const;
const VIEW = {
  limits: { long: 400, short: 400 },
  anchors: { strides: [8, 16], scale: 4, ratios: [0.5, 1, 2] },
};

test('sides and ratios are those after resizing, and the fit is the IoU with the most similar anchor', () => {
  const objects = [
    { box: [0, 0, 16, 16], label: 0 }, // 32 x 32 after doubling: the anchor of stride 8
    { box: [0, 0, 8, 8], label: 0 }, // 16 x 16: a quarter of it
    { box: [0, 0, 10, 40], label: 0 }, // 20 x 80, in 32·√2 high and 32/√2 wide: 20·45.25 / (1600 + 1024 − 905.1)
  ] as const;
  const { sides, ratios, fits } = boxShapes(detectionSet([{ image, objects }], ['a']), VIEW);
  expect([...sides]).toEqual([32, 16, 40]);
  expect([...ratios]).toEqual([1, 1, 4]);
  expect(fits[0]).toBeCloseTo(1, 12);
  expect(fits[1]).toBeCloseTo(0.25, 12);
  // Candidates: 64-px anchor of ratio 2 (45.25 x 90.51): 1600 / 4096; the one of 32 px is better.
  expect(fits[2]).toBeCloseTo((20 * 32 * Math.SQRT2) / (1600 + 1024 - 20 * 32 * Math.SQRT2), 12);
});

test('a set without objects has no shapes', () => {
  const { sides, fits } = boxShapes(detectionSet([{ image, objects: [] }], ['a']), VIEW);
  expect([sides.length, fits.length]).toEqual([0, 0]);
});
