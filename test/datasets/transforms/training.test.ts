import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { drawBeta } from '../../../datasets/transforms/beta.js';
import {
  cutMixBox,
  drawMix,
  mixedTargets,
  mixImages,
  type MixOptions,
} from '../../../datasets/transforms/mix.js';
import {
  drawErasing,
  eraseWithNoise,
  RANDOM_ERASING,
} from '../../../datasets/transforms/random-erasing.js';
import {
  RANDOM_RESIZED_CROP,
  randomResizedCrop,
} from '../../../datasets/transforms/random-resized-crop.js';
import { isInside } from '../../../datasets/transforms/rect.js';

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
const draws = <T>(n: number, draw: (random: Random) => T): T[] => {
  const random = new Random(11);
  return Array.from({ length: n }, () => draw(random));
};

describe('randomResizedCrop', () => {
  test('stays inside any image', () => {
    const side = fc.integer({ min: 1, max: 700 });
    fc.assert(
      fc.property(side, side, fc.nat(), (width, height, seed) => {
        const rect = randomResizedCrop({ width, height }, RANDOM_RESIZED_CROP, new Random(seed));
        expect(isInside(rect, { width, height })).toBe(true);
      }),
    );
  });

  test('covers areas from 8 % to all, uniformly, with aspects from 3/4 to 4/3', () => {
    const size = { width: 1000, height: 1000 };
    const rects = draws(2000, (random) => randomResizedCrop(size, RANDOM_RESIZED_CROP, random));
    const areas = rects.map((r) => (r.width * r.height) / 1e6);
    const aspects = rects.map((r) => Math.log(r.width / r.height));
    expect(Math.min(...areas)).toBeGreaterThan(0.079);
    expect(Math.min(...areas)).toBeLessThan(0.1);
    expect(Math.max(...areas)).toBeGreaterThan(0.97);
    // An area s fits with probability min(1, −ln s / ln 4/3), which gives a mean of 0.478.
    expect(Math.abs(mean(areas) - 0.478)).toBeLessThan(0.015);
    expect(mean(aspects)).toBeCloseTo(0, 1);
    expect(Math.max(...aspects)).toBeLessThan(Math.log(4 / 3) + 0.01);
  });

  test('takes the center with a clamped aspect if nothing fits', () => {
    const strip = randomResizedCrop(
      { width: 1000, height: 30 },
      { scale: [1, 1], ratio: [3 / 4, 4 / 3] },
      new Random(1),
    );
    expect(strip).toEqual({ x: 480, y: 0, width: 40, height: 30 });
    const pole = randomResizedCrop(
      { width: 30, height: 1000 },
      { scale: [1, 1], ratio: [3 / 4, 4 / 3] },
      new Random(1),
    );
    expect(pole).toEqual({ x: 0, y: 480, width: 30, height: 40 });
  });
});

describe('random erasing', () => {
  const size = { width: 40, height: 30 };

  test('draws a rectangle smaller than the image in a quarter of the cases', () => {
    const rects = draws(2000, (random) => drawErasing(size, RANDOM_ERASING, random));
    const drawn = rects.flatMap((rect) => (rect ? [rect] : []));
    expect(drawn.length / 2000).toBeGreaterThan(0.21);
    expect(drawn.length / 2000).toBeLessThan(0.29);
    for (const rect of drawn) {
      expect(isInside(rect, size)).toBe(true);
      expect(rect.width < 40 && rect.height < 30).toBe(true);
    }
    const areas = drawn.map((r) => (r.width * r.height) / 1200);
    expect(Math.max(...areas)).toBeLessThan(0.36);
    expect(mean(areas)).toBeGreaterThan(0.13);
  });

  test('fills exactly the rectangle with normal noise', () => {
    const images = new Float32Array(2 * 3600).fill(100);
    const options = { ...RANDOM_ERASING, probability: 1, area: [0.3, 0.3] } as const;
    const rect = drawErasing(size, options, new Random(2));
    if (rect) eraseWithNoise(images, { ...size, offset: 3600 }, rect, new Random(2));
    const changed = images.filter((v) => v !== 100);
    expect(changed.length).toBe((rect?.width ?? 0) * (rect?.height ?? 0) * 3);
    expect(images.subarray(0, 3600).every((v) => v === 100)).toBe(true);
    const average = mean([...changed]);
    expect(Math.abs(average)).toBeLessThan(0.12);
    const variance = mean([...changed].map((v) => (v - average) ** 2));
    expect(Math.abs(variance - 1)).toBeLessThan(0.15);
  });

  test('leaves an image alone that is too small for any rectangle', () => {
    const options = { ...RANDOM_ERASING, probability: 1, area: [0.5, 1] } as const;
    expect(drawErasing({ width: 1, height: 1 }, options, new Random(1))).toBeUndefined();
  });
});

describe('drawBeta', () => {
  test.each([0.2, 0.8, 1, 3])(
    'Beta(%d, same) has mean ½ and variance 1 / (4 (2α + 1))',
    (alpha) => {
      const values = draws(4000, (random) => drawBeta(random, alpha, alpha));
      expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
      expect(Math.abs(mean(values) - 0.5)).toBeLessThan(0.02);
      const variance = mean(values.map((v) => (v - 0.5) ** 2));
      expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeCloseTo(1, 1);
    },
  );

  test('has mean α / (α + β), also for tiny parameters', () => {
    expect(mean(draws(4000, (random) => drawBeta(random, 2, 6)))).toBeCloseTo(0.25, 1);
    for (const v of draws(200, (random) => drawBeta(random, 1e-3, 1e-3)))
      expect(v >= 0 && v <= 1).toBe(true);
  });
});

describe('mixing', () => {
  const options: MixOptions = {
    mixupAlpha: 0.8,
    cutmixAlpha: 1,
    probability: 1,
    switchProbability: 0.5,
  };
  const size = { width: 20, height: 10 };
  const fraction = (kind: string, extra: Partial<MixOptions> = {}): number =>
    draws(1000, (random) => drawMix(size, { ...options, ...extra }, random)).filter(
      (mix) => mix.kind === kind,
    ).length / 1000;

  test('draws mixup and CutMix according to the options', () => {
    expect(fraction('cutmix')).toBeCloseTo(0.5, 1);
    expect(fraction('mixup')).toBeCloseTo(0.5, 1);
    expect(fraction('mixup', { cutmixAlpha: 0 })).toBe(1);
    expect(fraction('cutmix', { mixupAlpha: 0 })).toBe(1);
    expect(fraction('none', { mixupAlpha: 0, cutmixAlpha: 0 })).toBe(1);
    expect(fraction('none', { probability: 0.3 })).toBeCloseTo(0.7, 1);
  });

  test('a box stays inside the image, and λ is the remaining fraction', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(19),
        fc.nat(9),
        (lambda, centerX, centerY) => {
          const { box, lambda: corrected } = cutMixBox(size, lambda, { centerX, centerY });
          expect(box.x >= 0 && box.x + box.width <= 20 && box.y >= 0).toBe(true);
          expect(box.y + box.height).toBeLessThanOrEqual(10);
          expect(corrected).toBeCloseTo(1 - (box.width * box.height) / 200, 12);
        },
      ),
    );
  });

  test('mixing keeps the sum of a pair', () => {
    const images = Float32Array.from({ length: 4 * 2 }, (_, i) => i);
    mixImages(images, [4, 1, 2, 1], { kind: 'mixup', lambda: 0.75 });
    // 0 with 6, 1 with 7, 2 with 4, 3 with 5.
    expect([...images]).toEqual([1.5, 2.5, 2.5, 3.5, 3.5, 4.5, 4.5, 5.5]);
    mixImages(images, [0, 1, 2, 1], { kind: 'mixup', lambda: 0.75 });
  });

  test('targets add up to 1, also where both labels are equal', () => {
    const labels = Int32Array.of(1, 1, 0, 1);
    const targets = mixedTargets(labels, { numClasses: 4, lambda: 0.7, smoothing: 0.2 });
    const [on, off] = [0.8 + 0.05, 0.05];
    const expected = [off, on, off, off, 0.3 * 0.8 + off, 0.7 * 0.8 + off, off, off];
    [...targets.subarray(0, 8)].forEach((v, i) => expect(v).toBeCloseTo(expected[i], 6));
    for (let i = 0; i < 4; i++)
      expect(mean([...targets.subarray(i * 4, i * 4 + 4)]) * 4).toBeCloseTo(1, 6);
  });
});
