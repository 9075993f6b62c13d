import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logHistogram } from '../../core/histogram.js';

test('values are counted in bins of equal ratio, with those beyond', () => {
  const bins = { low: 1, numOctaves: 3, perOctave: 1 };
  expect(logHistogram([0.5, 1, 1.99, 2, 3, 7.9, 8, 100], bins)).toEqual({
    edges: [1, 2, 4, 8],
    counts: [2, 2, 1],
    below: 1,
    above: 2,
  });
  expect(logHistogram([], bins)).toMatchObject({ counts: [0, 0, 0], below: 0, above: 0 });
  expect(logHistogram([0, NaN, -1], bins).below).toBe(3);
});

test('every value is between the edges of its bin', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.nat(40), (value, step) => {
      const bins = { low: 0.125, numOctaves: 10, perOctave: 4 };
      for (const x of [value, 0.125 * 2 ** (step / 4)]) {
        const { edges, counts, below, above } = logHistogram([x], bins);
        expect(below + above + counts.reduce((a, b) => a + b, 0)).toBe(1);
        const bin = counts.indexOf(1);
        if (below === 1) expect(x).toBeLessThan(edges[0]);
        else if (above === 1) expect(x).toBeGreaterThanOrEqual(edges[40]);
        else expect(x >= edges[bin] && x < edges[bin + 1]).toBe(true);
      }
    }),
    { seed: 1 },
  );
});
