import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import type { RgbImage } from '../../../core/image.js';
import { hsvToRgb, rgbToHsv } from '../../../datasets/transforms/hsv.js';
import { PHOTOMETRIC, photometricDistortion } from '../../../datasets/transforms/photometric.js';
import { maxError } from '../../helpers/fixtures.js';

// Written by opencv/generate.py.
const oracle = readFileSync(new URL('opencv/hsv.u8', import.meta.url));
const block = (i: number): Uint8Array => Uint8Array.from(oracle.subarray(i * 768, (i + 1) * 768));

describe('8-bit HSV equals OpenCV 4.6', () => {
  test('from RGB', () => {
    const hsv = new Uint8Array(768);
    rgbToHsv(block(0), hsv);
    expect(maxError(hsv, block(1))).toBe(0);
  });

  test('to RGB', () => {
    const rgb = new Uint8Array(768);
    hsvToRgb(block(2), rgb);
    expect(maxError(rgb, block(3))).toBe(0);
  });

  test('in place', () => {
    const pixels = block(0);
    rgbToHsv(pixels, pixels);
    expect(pixels).toEqual(block(1));
  });
});

describe('photometricDistortion', () => {
  const image = (): RgbImage => ({ width: 256, height: 1, data: block(0) });
  const distorted = (seed: number, options = PHOTOMETRIC): Uint8Array => {
    const subject = image();
    photometricDistortion(subject, options, new Random(seed));
    return subject.data;
  };

  test('leaves an image alone in 1 of 16 cases: every step has probability ½', () => {
    const unchanged = Array.from({ length: 800 }, (_, seed) => distorted(seed)).filter(
      (data) => maxError(data, block(0)) === 0,
    ).length;
    expect(unchanged / 800).toBeGreaterThan(0.035);
    expect(unchanged / 800).toBeLessThan(0.095);
  });

  test('shifts brightness, truncated and clipped, by up to 32 levels', () => {
    // Only brightness can change anything here.
    const options = { ...PHOTOMETRIC, contrast: [1, 1], saturation: [1, 1], hue: 0 } as const;
    const gray = (seed: number): number => {
      const subject = { width: 2, height: 1, data: Uint8Array.of(100, 100, 100, 250, 250, 250) };
      photometricDistortion(subject, options, new Random(seed));
      expect(new Set(subject.data.subarray(0, 3)).size).toBe(1);
      expect(subject.data[3]).toBe(Math.min(255, subject.data[0] + 150));
      return subject.data[0];
    };
    const grays = Array.from({ length: 300 }, (_, seed) => gray(seed));
    // Hue and saturation go through HSV, which loses up to one level.
    expect(Math.min(...grays)).toBeGreaterThanOrEqual(67);
    expect(Math.max(...grays)).toBeLessThanOrEqual(132);
    expect(Math.max(...grays) - Math.min(...grays)).toBeGreaterThan(50);
  });

  test('hue keeps value and saturation, saturation keeps value, both about', () => {
    const spread = (rgb: Uint8Array, i: number): number =>
      Math.max(...rgb.subarray(i, i + 3)) - Math.min(...rgb.subarray(i, i + 3));
    const hueOnly = { brightness: 0, contrast: [1, 1], saturation: [1, 1], hue: 18 } as const;
    const value = (rgb: Uint8Array, i: number): number => Math.max(...rgb.subarray(i, i + 3));
    for (let seed = 0; seed < 20; seed++) {
      const data = distorted(seed, hueOnly);
      for (let i = 0; i < 768; i += 3) {
        expect(Math.abs(value(data, i) - value(block(0), i))).toBeLessThanOrEqual(2);
        expect(Math.abs(spread(data, i) - spread(block(0), i))).toBeLessThanOrEqual(4);
      }
    }
  });

  test('the same stream gives the same image', () => {
    expect(distorted(5)).toEqual(distorted(5));
    expect(maxError(distorted(5), distorted(6))).toBeGreaterThan(0);
  });
});
