import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import type { RgbImage } from '../../../core/image.js';
import {
  affineBicubicPil,
  rotationPil,
  type Rgb,
} from '../../../datasets/transforms/pil-affine.js';
import * as enhance from '../../../datasets/transforms/pil-enhance.js';
import {
  RAND_AUGMENT,
  RANDOM_OPERATIONS,
  randAugment,
} from '../../../datasets/transforms/rand-augment.js';
import { maxError } from '../../helpers/fixtures.js';

interface Oracle {
  readonly width: number;
  readonly height: number;
  readonly fill: Rgb;
  readonly cases: readonly {
    readonly operation: string;
    readonly argument: number;
    readonly source: number;
  }[];
}

// Written by pillow/generate.py.
const read = (name: string): Buffer => readFileSync(new URL(`pillow/${name}`, import.meta.url));
const oracle = JSON.parse(read('pillow.json').toString()) as Oracle;
const bytes = read('pillow.u8');
const { width, height, fill } = oracle;
const imageAt = (index: number): RgbImage => {
  const length = width * height * 3;
  return {
    width,
    height,
    data: Uint8Array.from(bytes.subarray(index * length, (index + 1) * length)),
  };
};

type Run = (image: RgbImage, out: Uint8Array, argument: number) => void;
const affine =
  (matrixOf: (k: number) => Parameters<typeof affineBicubicPil>[1]): Run =>
  (image, out, k) =>
    affineBicubicPil(image, matrixOf(k), fill, out);
const operations: Readonly<Record<string, Run>> = {
  ...(enhance as Readonly<Record<string, Run>>),
  rotate: affine((degrees) => rotationPil(degrees, width, height)),
  shearX: affine((k) => [1, k, 0, 0, 1, 0]),
  shearY: affine((k) => [1, 0, 0, k, 1, 0]),
  translateX: affine((k) => [1, 0, k, 0, 1, 0]),
  translateY: affine((k) => [1, 0, 0, 0, 1, k]),
  general: affine((k) => [0.9, k, 1.5, -0.2, 1.1, -2.25]),
};

describe('equals Pillow 9.4', () => {
  test.each(oracle.cases.map((c, i) => ({ ...c, expected: i + 2 })))(
    '$operation($argument) of image $source',
    ({ operation, argument, source, expected }) => {
      const image = imageAt(source);
      const out = new Uint8Array(image.data.length);
      operations[operation](image, out, argument);
      expect(maxError(out, imageAt(expected).data)).toBe(0);
    },
  );

  test('point operations also in place', () => {
    for (const name of ['autoContrast', 'equalize', 'invert', 'color', 'contrast', 'brightness']) {
      const image = imageAt(0);
      const expected = new Uint8Array(image.data.length);
      operations[name](image, expected, 1.7);
      operations[name](image, image.data, 1.7);
      expect(image.data).toEqual(expected);
    }
  });
});

describe('one-pixel and one-color images', () => {
  const gray = (side: number): RgbImage => ({
    width: side,
    height: side,
    data: new Uint8Array(side * side * 3).fill(77),
  });

  test.each(Object.keys(RANDOM_OPERATIONS))('%s has a result', (name) => {
    for (const side of [1, 2, 5]) {
      const out = new Uint8Array(side * side * 3);
      RANDOM_OPERATIONS[name](gray(side), out, { level: 0.9, random: new Random(1), fill });
      if (['autoContrast', 'equalize', 'color', 'sharpness'].includes(name))
        expect(new Set(out)).toEqual(new Set([77]));
      else expect(out.every((v) => v >= 0 && v <= 255)).toBe(true);
    }
  });
});

describe('randAugment', () => {
  const level = (name: string, value: number, seed = 1): Uint8Array => {
    const out = new Uint8Array(width * height * 3);
    RANDOM_OPERATIONS[name](imageAt(0), out, { level: value, random: new Random(seed), fill });
    return out;
  };
  const direct = (name: string, argument: number): Uint8Array => {
    const out = new Uint8Array(width * height * 3);
    operations[name](imageAt(0), out, argument);
    return out;
  };

  test('levels have the meaning of the original code', () => {
    expect(level('posterize', 0.9)).toEqual(direct('posterize', 1)); // 4 − int(3.6)
    expect(level('solarize', 0.9)).toEqual(direct('solarize', 26)); // 256 − int(230.4)
    expect(level('solarize', 1)).toEqual(direct('solarize', 0));
    expect(level('solarizeAdd', 0.9)).toEqual(direct('solarizeAdd', 99));
    const either = (name: string, a: number, b: number): void => {
      const seen = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => level(name, 0.9, seed).join());
      expect(new Set(seen)).toEqual(new Set([direct(name, a).join(), direct(name, b).join()]));
    };
    either('rotate', 27, -27);
    either('shearX', 0.27, -0.27);
    either('shearY', 0.27, -0.27);
    either('translateX', 0.405 * width, -0.405 * width);
    either('translateY', 0.405 * height, -0.405 * height);
    for (const name of ['color', 'contrast', 'brightness', 'sharpness']) either(name, 1.81, 0.19);
  });

  test('draws from fifteen operations, at most two, about half of them applied', () => {
    expect(Object.keys(RANDOM_OPERATIONS)).toHaveLength(15);
    let unchanged = 0;
    for (let seed = 0; seed < 400; seed++) {
      const image = randAugment(imageAt(0), RAND_AUGMENT, { random: new Random(seed), fill });
      if (maxError(image.data, imageAt(0).data) === 0) unchanged++;
    }
    // A quarter draws nothing; few operations leave an image as it is (noise is nearly equalized already).
    expect(unchanged / 400).toBeGreaterThan(0.18);
    expect(unchanged / 400).toBeLessThan(0.35);
  });

  test('the same stream gives the same image, in the same buffer', () => {
    const image = imageAt(1);
    const options = { ...RAND_AUGMENT, numOperations: 3, probability: 1 };
    const result = randAugment(image, options, { random: new Random(3), fill });
    expect(result.data).toBe(image.data);
    const again = randAugment(imageAt(1), options, { random: new Random(3), fill });
    expect(again.data).toEqual(result.data);
  });
});
