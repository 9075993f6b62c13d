import { describe, expect, test } from 'vitest';
import { evaluationGeometry, evaluationResize } from '../../../datasets/transforms/evaluation.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from '../../../datasets/transforms/normalize.js';

const image = (width: number, height: number) => ({ width, height });

describe('evaluationGeometry', () => {
  test('at 224 the short side becomes 256 and the long one is truncated', () => {
    const { size } = evaluationGeometry(image(500, 375), evaluationResize(224));
    expect(size).toEqual({ width: 341, height: 256 }); // 256 · 500 / 375 = 341.33
    const upright = evaluationGeometry(image(375, 500), evaluationResize(224));
    expect(upright.size).toEqual({ width: 256, height: 341 });
  });

  test('half a pixel is rounded to the even side', () => {
    // Differences 341 − 224 = 117 → 58.5 → 58 and 339 − 224 = 115 → 57.5 → 58.
    expect(evaluationGeometry(image(500, 375), evaluationResize(224)).window.x).toBe(58);
    expect(evaluationGeometry(image(339, 256), evaluationResize(224)).window.x).toBe(58);
    expect(evaluationGeometry(image(343, 256), evaluationResize(224)).window.x).toBe(60); // 59.5
    expect(evaluationGeometry(image(256, 256), evaluationResize(224)).window.x).toBe(16);
  });

  test('from 384 on the image is warped without a crop', () => {
    const resize = evaluationResize(384);
    expect(resize.mode).toBe('warp');
    expect(evaluationGeometry(image(500, 375), resize)).toEqual({
      size: { width: 384, height: 384 },
      window: { x: 0, y: 0, width: 384, height: 384 },
    });
    expect(evaluationResize(383).mode).toBe('crop');
  });

  test('a crop fraction of 1 keeps the whole short side', () => {
    const { size, window } = evaluationGeometry(image(100, 50), evaluationResize(288, 1));
    expect(size).toEqual({ width: 576, height: 288 });
    expect(window).toEqual({ x: 144, y: 0, width: 288, height: 288 });
  });

  test('rejects sizes and fractions without meaning', () => {
    expect(() => evaluationResize(0)).toThrow(/whole inputSize > 0/);
    expect(() => evaluationResize(224, 1.1)).toThrow(/cropFraction <= 1, got 224 and 1.1/);
  });
});

describe('normalizeInto', () => {
  const table = normalizationTable(IMAGENET_PIXELS);

  test('writes (v / 255 − mean) / std per channel', () => {
    const batch = new Float32Array(3);
    const pixel = { width: 1, height: 1, data: Uint8Array.of(0, 128, 255) };
    normalizeInto(pixel, table, batch, { offset: 0 });
    expect(batch[0]).toBeCloseTo(-0.485 / 0.229, 6);
    expect(batch[1]).toBeCloseTo((128 / 255 - 0.456) / 0.224, 6);
    expect(batch[2]).toBeCloseTo((1 - 0.406) / 0.225, 6);
  });

  test('leaves the padding of a batch alone', () => {
    const batch = new Float32Array(20).fill(7);
    const picture = { width: 1, height: 2, data: new Uint8Array(6).fill(255) };
    normalizeInto(picture, table, batch, { offset: 2, rowStride: 9 });
    const untouched = [...batch].flatMap((value, i) => (value === 7 ? [i] : []));
    expect(untouched).toEqual([0, 1, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 19]);
  });

  test('rejects an image that does not fit', () => {
    const picture = { width: 1, height: 2, data: new Uint8Array(6) };
    const place = (offset: number, rowStride: number) => (): void =>
      normalizeInto(picture, table, new Float32Array(12), { offset, rowStride });
    expect(place(6, 3)).not.toThrow();
    expect(place(7, 3)).toThrow(/batch of 12/);
    expect(place(0, 2)).toThrow(/stride 2/);
  });
});
