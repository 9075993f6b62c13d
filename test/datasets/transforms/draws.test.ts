import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import type { LabelMap } from '../../../core/image.js';
import {
  drawLargeScaleJitter,
  drawMultiScale,
  LARGE_SCALE_JITTER,
  MULTI_SCALE,
} from '../../../datasets/transforms/detection-geometry.js';
import { gridOf, sizeAfter, type GeometricStep } from '../../../datasets/transforms/geometry.js';
import type { Size } from '../../../datasets/transforms/rect.js';
import {
  ADE20K_GEOMETRY,
  drawSegmentationGeometry,
  isVaried,
} from '../../../datasets/transforms/segmentation-geometry.js';

const side = fc.integer({ min: 1, max: 2000 });
const resized = (step: GeometricStep): Size =>
  step.kind === 'resize' ? step.size : { width: 0, height: 0 };

describe('drawLargeScaleJitter', () => {
  test('yields at most 1024 x 1024 of an image scaled by 0.1 to 2, aspect kept', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), (width, height, seed) => {
        const steps = drawLargeScaleJitter({ width, height }, LARGE_SCALE_JITTER, new Random(seed));
        const size = resized(steps[0]);
        const long = Math.max(size.width, size.height);
        expect(long).toBeGreaterThanOrEqual(102);
        expect(long).toBeLessThanOrEqual(2048);
        expect(Math.abs(size.width - (long * width) / Math.max(width, height))).toBeLessThanOrEqual(
          1,
        );
        const after = sizeAfter({ width, height }, steps);
        expect(after.width).toBe(Math.min(size.width, 1024));
        expect(after.height).toBe(Math.min(size.height, 1024));
      }),
    );
  });

  test('draws factor and place uniformly', () => {
    const draws = Array.from({ length: 2000 }, (_, seed) =>
      drawLargeScaleJitter({ width: 500, height: 500 }, LARGE_SCALE_JITTER, new Random(seed)),
    );
    const factors = draws.map(([resize]) => resized(resize).width / 1024);
    const mean = factors.reduce((a, b) => a + b) / factors.length;
    expect(Math.abs(mean - 1.05)).toBeLessThan(0.04);
    const places = draws.flatMap(([resize, crop]) => {
      const free = resized(resize).width - 1024;
      return crop.kind === 'crop' && free > 100 ? [crop.window.x / free] : [];
    });
    expect(Math.min(...places)).toBeLessThan(0.02);
    expect(Math.max(...places)).toBeGreaterThan(0.98);
  });
});

describe('drawMultiScale', () => {
  test('ends with a short side of 480, 512, … 800 unless the long one reaches 1333', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 32, max: 1500 }),
        fc.integer({ min: 32, max: 1500 }),
        fc.nat(),
        (width, height, seed) => {
          const steps = drawMultiScale({ width, height }, MULTI_SCALE, new Random(seed));
          const { width: w, height: h } = sizeAfter({ width, height }, steps);
          const isShortChosen = MULTI_SCALE.shortSides.includes(Math.min(w, h));
          expect(isShortChosen || Math.max(w, h) === 1333).toBe(true);
          expect(Math.max(w, h)).toBeLessThanOrEqual(1333);
        },
      ),
    );
  });

  test('cuts half of the time, 384 to 600 pixels or the whole side', () => {
    const draws = Array.from({ length: 600 }, (_, seed) =>
      drawMultiScale({ width: 640, height: 480 }, MULTI_SCALE, new Random(seed)),
    );
    const cuts = draws.filter(({ length }) => length === 3);
    expect(cuts.length / 600).toBeGreaterThan(0.42);
    expect(cuts.length / 600).toBeLessThan(0.58);
    const windows = cuts.flatMap(([, crop]) => (crop.kind === 'crop' ? [crop.window] : []));
    const sides = windows.flatMap(({ width, height }) => [width, height]);
    expect(Math.min(...sides)).toBeGreaterThanOrEqual(384);
    expect(Math.max(...sides)).toBeLessThanOrEqual(600);
    expect(new Set(cuts.map(([first]) => Math.min(...Object.values(resized(first)))))).toEqual(
      new Set([400, 500, 600]),
    );
    // Where the image is smaller than the range, the whole side.
    const tiny = drawMultiScale(
      { width: 100, height: 100 },
      { ...MULTI_SCALE, crop: { shortSides: [50], sides: [384, 600] } },
      new Random(3),
    );
    expect(sizeAfter({ width: 100, height: 100 }, tiny.slice(0, 2)).width).toBeLessThanOrEqual(800);
  });
});

describe('drawSegmentationGeometry', () => {
  const options = { ...ADE20K_GEOMETRY, scale: { long: 64, short: 16 }, cropSize: 16 };
  const map = (width: number, height: number, label: (x: number) => number): LabelMap => ({
    width,
    height,
    data: Uint8Array.from({ length: width * height }, (_, i) => label(i % width)),
  });

  test('returns the labels that its steps give', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 60 }),
        fc.integer({ min: 5, max: 60 }),
        fc.nat(),
        (w, h, seed) => {
          const labels = map(w, h, (x) => x % 3);
          const drawn = drawSegmentationGeometry(labels, options, new Random(seed));
          const { columns, rows } = gridOf(labels, drawn.steps);
          expect([drawn.labels.width, drawn.labels.height]).toEqual([columns.length, rows.length]);
          expect(Math.max(columns.length, rows.length)).toBeLessThanOrEqual(16);
          const expected = [...rows].flatMap(() => [...columns].map((x) => x % 3));
          expect([...drawn.labels.data]).toEqual(expected);
        },
      ),
    );
  });

  test('prefers crops where no class dominates', () => {
    // One class left, another right: crops at the border only are varied.
    const labels = map(200, 40, (x) => (x < 100 ? 1 : 2));
    const fixed = { ...options, ratio: [1, 1] } as const;
    const varied = (extra: object): number =>
      Array.from({ length: 200 }, (_, seed) =>
        drawSegmentationGeometry(labels, { ...fixed, ...extra }, new Random(seed)),
      ).filter((drawn) => isVaried(drawn.labels, 0.75)).length / 200;
    // A window hits the border's neighborhood in about 1 of 8 draws; eleven tries fail seldom.
    expect(varied({})).toBeGreaterThan(0.6);
    expect(varied({ categoryMaxRatio: 1 })).toBeLessThan(varied({}));
  });

  test('takes a uniform map as it is, after ten redraws', () => {
    const drawn = drawSegmentationGeometry(
      map(50, 50, () => 4),
      options,
      new Random(1),
    );
    expect(new Set(drawn.labels.data)).toEqual(new Set([4]));
  });

  test('isVaried ignores 255 and needs two classes', () => {
    const of = (...data: number[]): boolean =>
      isVaried({ width: data.length, height: 1, data: Uint8Array.from(data) }, 0.75);
    expect(of(1, 2)).toBe(true);
    expect(of(1, 1, 1, 2)).toBe(false); // exactly ¾
    expect(of(1, 1, 2, 255, 255)).toBe(true);
    expect(of(1, 255)).toBe(false);
    expect(of(255)).toBe(false);
    expect(of()).toBe(false);
  });

  test('rejects crop sizes without meaning', () => {
    const draw = () =>
      drawSegmentationGeometry(
        map(5, 5, () => 1),
        { ...options, cropSize: 0 },
        new Random(1),
      );
    expect(draw).toThrow(/whole number above 0, got 0/);
  });
});
