import { expect, test } from 'vitest';
import { reconstruct } from '../../models/fcmae-reconstruction.js';

/** Two patches of 2 × 2 pixels side by side; the second is removed. */
const IMAGE = {
  height: 2,
  width: 4,
  patchSize: 2,
  image: Float32Array.from({ length: 24 }, (_, i) => i),
  mask: Float32Array.of(0, 1),
};
/** Values of the second patch: columns 2 and 3 of both rows. */
const REMOVED = [6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23];

test('raw predictions fill removed patches, visible ones stay', () => {
  const prediction = Float32Array.from({ length: 24 }, (_, i) => 100 + i);
  const { masked, reconstructed } = reconstruct({ ...IMAGE, prediction, normPixLoss: false });
  expect([...reconstructed]).toEqual([
    ...[0, 1, 2, 3, 4, 5, 112, 113, 114, 115, 116, 117],
    ...[12, 13, 14, 15, 16, 17, 118, 119, 120, 121, 122, 123],
  ]);
  expect(REMOVED.map((i) => masked[i])).toEqual(REMOVED.map(() => 0));
  expect(masked[5]).toBe(5);
});

test('the normalized target gives the image back', () => {
  const mean = REMOVED.reduce((a, b) => a + b) / 12;
  const variance = REMOVED.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 11;
  const prediction = new Float32Array(24);
  REMOVED.forEach((v, i) => (prediction[12 + i] = (v - mean) / Math.sqrt(variance + 1e-6)));
  const { reconstructed } = reconstruct({ ...IMAGE, prediction, normPixLoss: true });
  reconstructed.forEach((v, i) => expect(v).toBeCloseTo(IMAGE.image[i], 4));
});

test('arrays that do not fit are an error', () => {
  expect(() =>
    reconstruct({ ...IMAGE, prediction: new Float32Array(12), normPixLoss: true }),
  ).toThrow(
    'reconstruct: expected 2 patches of 12 values, got an image of 24, a mask of 2, a prediction of 12',
  );
});
