import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DetectorCard } from '../../../inference/card.js';
import {
  detectorViews,
  flipBoxes,
  flipMasks,
  flipView,
  joinCandidates,
  meanOf,
  type DetectorView,
} from '../../../inference/detect/tta.js';

/** Two rows of an image of 3×1 pixels in an input of 4×2; the first channel counts, the others are 0. */
test('augmented views are three sizes, each also mirrored', () => {
  const card = { limits: { long: 200, short: 100 }, pixels: { mean: [0, 0, 0], std: [1, 1, 1] } };
  const image = { width: 90, height: 60, data: new Uint8Array(90 * 60 * 3) };
  const views = detectorViews(image, card as unknown as DetectorCard);
  expect(views.map(({ imageSize, isFlipped }) => [imageSize.width, isFlipped])).toEqual([
    [120, false],
    [120, true],
    [150, false],
    [150, true],
    [180, false],
    [180, true],
  ]);
});

const view: DetectorView = {
  shape: [1, 2, 4, 3],
  data: Float32Array.from({ length: 24 }, (_, i) => (i % 3 === 0 && i < 9 ? i / 3 + 1 : 0)),
  imageSize: { width: 3, height: 1 },
  originalSize: { width: 6, height: 2 },
  scale: { x: 0.5, y: 0.5 },
  isFlipped: false,
};
const firstChannel = ({ data }: DetectorView): number[] => [...data].filter((_, i) => i % 3 === 0);

test('a view is mirrored inside the image, its padding stays at the right', () => {
  expect(firstChannel(view)).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
  const flipped = flipView(view);
  expect(firstChannel(flipped)).toEqual([3, 2, 1, 0, 0, 0, 0, 0]);
  expect(flipped.isFlipped).toBe(true);
});

test('mirroring twice gives the view', () => {
  expect(flipView(flipView(view))).toEqual(view);
});

test('boxes are mirrored within the image and stay ordered; twice gives the boxes', () => {
  expect([...flipBoxes(Float32Array.of(1, 2, 4, 5), 10)]).toEqual([6, 2, 9, 5]);
  const box = fc
    .tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 200 })))
    .map(([a, b, c, d]) => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]);
  fc.assert(
    fc.property(fc.array(box), (list) => {
      const boxes = Float32Array.from(list.flat());
      const once = flipBoxes(boxes, 200);
      for (let i = 0; i < once.length; i += 4) expect(once[i]).toBeLessThanOrEqual(once[i + 2]);
      expect(flipBoxes(once, 200)).toEqual(boxes);
    }),
  );
});

test('a box that rounding put beyond the edge does not get a negative coordinate', () => {
  expect([...flipBoxes(Float32Array.of(3, 0, 10.00001, 5), 10)][0]).toBe(0);
});

test('masks are mirrored one by one', () => {
  const two = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  expect([...flipMasks(two, 2)]).toEqual([2, 1, 4, 3, 6, 5, 8, 7]);
  expect(flipMasks(flipMasks(two, 2), 2)).toEqual(two);
  expect(flipMasks(new Float32Array(0), 0)).toEqual(new Float32Array(0));
});

test('candidates are put one after the other; masks are averaged', () => {
  const part = (value: number): { boxes: Float32Array; scores: Float32Array } => ({
    boxes: new Float32Array(4).fill(value),
    scores: new Float32Array(2).fill(value),
  });
  const joined = joinCandidates([part(1), part(2)]);
  expect([...joined.boxes]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  expect([...joined.scores]).toEqual([1, 1, 2, 2]);
  expect([...meanOf([Float32Array.of(0, 1), Float32Array.of(1, 0.5)])]).toEqual([0.5, 0.75]);
  expect(() => meanOf([new Float32Array(2), new Float32Array(3)])).toThrow('expected 2 values');
});
