import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatNumber,
  linearAxis,
  logAxis,
  roundedAxis,
  type Axis,
} from '../../report/svg-axis.js';

const values = ({ ticks }: Axis): number[] => ticks.map(({ value }) => value);
const texts = ({ ticks }: Axis): string[] => ticks.map(({ text }) => text);

describe('linear axes', () => {
  test('have ticks at multiples of 1, 2 or 5 times a power of ten', () => {
    expect(values(linearAxis({ min: 0, max: 1, count: 5 }))).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(values(linearAxis({ min: 0.1, max: 0.35, count: 5 }))).toEqual([
      0.1, 0.15, 0.2, 0.25, 0.3, 0.35,
    ]);
    expect(values(linearAxis({ min: -7, max: 12, count: 4 }))).toEqual([-5, 0, 5, 10]);
  });

  test('end where the range does, or at a tick when rounded', () => {
    const range = { min: 0.3, max: 9.7, count: 5 };
    expect(linearAxis(range)).toMatchObject({ min: 0.3, max: 9.7 });
    expect(roundedAxis(range)).toMatchObject({ min: 0, max: 10 });
    expect(values(roundedAxis(range))).toEqual([0, 2, 4, 6, 8, 10]);
  });

  test('make room round a single value', () => {
    expect(linearAxis({ min: 0, max: 0, count: 4 })).toMatchObject({ min: -1, max: 1 });
    const axis = linearAxis({ min: 5, max: 5, count: 4 });
    expect([axis.min, axis.position(5), axis.max]).toEqual([4.5, 0.5, 5.5]);
  });

  test('write all ticks alike, large ones in thousands and millions', () => {
    expect(texts(linearAxis({ min: 0, max: 1, count: 2 }))).toEqual(['0', '0.5', '1.0']);
    expect(texts(linearAxis({ min: 0, max: 20_000, count: 4 }))).toEqual([
      '0',
      '5k',
      '10k',
      '15k',
      '20k',
    ]);
    expect(texts(linearAxis({ min: 0, max: 1.2e6, count: 3 }))).toEqual(['0', '0.5M', '1.0M']);
    expect(texts(linearAxis({ min: 0, max: 2e-4, count: 2 }))).toEqual(['0', '1e-4', '2e-4']);
    expect(texts(linearAxis({ min: -0.1, max: 0.1, count: 2 }))).toEqual(['-0.1', '0', '0.1']);
  });

  test('stay within their range, rise, and are about as many as asked for', () => {
    const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.integer({ min: 2, max: 10 }), (a, b, count) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        for (const axis of [linearAxis, roundedAxis].map((make) => make({ min, max, count }))) {
          const found = values(axis);
          const slack = 1e-5 * (axis.max - axis.min);
          expect(found.length).toBeGreaterThanOrEqual(1);
          // The nice step of 3.49 is 2.
          expect(found.length).toBeLessThanOrEqual(1.75 * count + 3);
          expect(found[0]).toBeGreaterThanOrEqual(axis.min - slack);
          expect(found[found.length - 1]).toBeLessThanOrEqual(axis.max + slack);
          found.slice(1).forEach((value, i) => expect(value).toBeGreaterThan(found[i]));
          expect(new Set(texts(axis)).size).toBe(found.length);
        }
      }),
    );
  });
});

describe('logarithmic axes', () => {
  test('have ticks at powers of ten, and between them where there are few', () => {
    expect(values(logAxis({ min: 2e-3, max: 400, count: 7 }))).toEqual([
      1e-3, 0.01, 0.1, 1, 10, 100, 1000,
    ]);
    expect(values(logAxis({ min: 0.3, max: 4, count: 7 }))).toEqual([0.2, 0.5, 1, 2, 5]);
    expect(texts(logAxis({ min: 1e-5, max: 1e5, count: 5 }))).toEqual([
      '1e-5',
      '0.001',
      '0.1',
      '10',
      '1000',
      '1e5',
    ]);
  });

  test('place values by their logarithm, and none up to 0', () => {
    const axis = logAxis({ min: 1, max: 10_000, count: 7 });
    expect(axis.position(100)).toBeCloseTo(0.5, 12);
    expect(axis.position(0)).toBeNaN();
    expect(axis.position(-1)).toBeNaN();
  });

  test('make room round a single value', () => {
    expect(logAxis({ min: 5, max: 5, count: 7 })).toMatchObject({ min: 5, max: 10 });
    expect(logAxis({ min: 1, max: 1, count: 7 })).toMatchObject({ min: 1, max: 2 });
  });
});

test('formatNumber is short', () => {
  expect([0, 0.25, -1200, 1e5, 2.5e-5, 1 / 3, -3e12].map(formatNumber)).toEqual([
    '0',
    '0.25',
    '-1200',
    '1e5',
    '2.5e-5',
    '0.3333',
    '-3e12',
  ]);
});
