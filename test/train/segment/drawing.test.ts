import { expect, test } from 'vitest';
import type { LabelMap } from '../../../core/image.js';
import type { Picture } from '../../../report/overlay/picture.js';
import { drawSegmentation } from '../../../train/segment/drawing.js';

test('a picture of labels names only classes that occur', () => {
  const image = { width: 2, height: 1, data: new Uint8Array(6).fill(200) };
  const labels = (...data: readonly number[]): LabelMap => ({
    width: 2,
    height: 1,
    data: Uint8Array.from(data),
  });
  const draw = (groundTruth: LabelMap, predictions: LabelMap): Picture =>
    drawSegmentation(image, { groundTruth, predictions }, { classNames: ['ground', 'thing'] });
  const none = draw(labels(255, 255), labels(255, 255));
  expect(none).toMatchObject({ width: 14, height: 1 }); // ignored pixels only: no legend
  expect(Array.from(none.data.subarray(0, 6))).toEqual(Array.from(image.data));
  const one = draw(labels(0, 0), labels(0, 255)).height;
  expect(one).toBeGreaterThan(1);
  expect(draw(labels(0, 0), labels(1, 255)).height).toBeGreaterThanOrEqual(one);
});
