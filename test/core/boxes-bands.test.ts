import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocateBands, computeBands, type BandOptions } from '../../core/boxes-bands.js';

interface Tap {
  readonly bin: number;
  readonly cell: number;
  readonly weight: number;
}

function taps(
  low: number,
  high: number,
  scale: number,
  numCells: number,
  options: BandOptions,
): Tap[] {
  const bands = allocateBands(options.numBins, numCells);
  computeBands(low, high, scale, numCells, options, bands);
  return Array.from({ length: options.numBins }, (_, bin) =>
    Array.from({ length: bands.ends[bin + 1] - bands.ends[bin] }, (_, t) => ({
      bin,
      cell: bands.cells[bands.ends[bin] + t],
      weight: bands.weights[bands.ends[bin] + t],
    })),
  ).flat();
}

const aligned = { numBins: 2, samplingRatio: 0, aligned: true };

describe('values computed by hand', () => {
  test('a box on the cells borders samples their middles', () => {
    expect(taps(0, 2, 1, 4, aligned)).toEqual([
      { bin: 0, cell: 0, weight: 1 },
      { bin: 1, cell: 1, weight: 1 },
    ]);
  });

  test('the two samples of a bin are merged per cell', () => {
    expect(taps(1, 5, 1, 8, aligned)).toEqual([
      { bin: 0, cell: 1, weight: 0.5 },
      { bin: 0, cell: 2, weight: 0.5 },
      { bin: 1, cell: 3, weight: 0.5 },
      { bin: 1, cell: 4, weight: 0.5 },
    ]);
  });

  test('samples between cells are split between them', () => {
    expect(taps(0.25, 2.25, 1, 4, aligned)).toEqual([
      { bin: 0, cell: 0, weight: 0.75 },
      { bin: 0, cell: 1, weight: 0.25 },
      { bin: 1, cell: 1, weight: 0.75 },
      { bin: 1, cell: 2, weight: 0.25 },
    ]);
  });

  test('samples up to one cell outside move to the edge; farther ones are dropped', () => {
    // centers at -1.75, -0.75, 0.25, 1.25
    const four = { numBins: 4, samplingRatio: 1, aligned: true };
    expect(taps(-1.75, 2.25, 1, 2, four)).toEqual([
      { bin: 1, cell: 0, weight: 1 },
      { bin: 2, cell: 0, weight: 0.75 },
      { bin: 2, cell: 1, weight: 0.25 },
      { bin: 3, cell: 1, weight: 1 },
    ]);
    // exactly -1 and exactly the size still count
    expect(taps(-1, 3, 1, 2, { ...four, samplingRatio: 1, numBins: 1 })).toEqual([
      { bin: 0, cell: 0, weight: 0.5 },
      { bin: 0, cell: 1, weight: 0.5 },
    ]);
    expect(taps(2, 3, 1, 2, { ...four, numBins: 1 })).toEqual([{ bin: 0, cell: 1, weight: 1 }]);
    expect(taps(2.125, 3.125, 1, 2, { ...four, numBins: 1 })).toEqual([]);
  });

  test('a box without extent has no samples when adaptive, one cell when not aligned', () => {
    expect(taps(3, 3, 1, 8, aligned)).toEqual([]);
    expect(taps(5, 3, 1, 8, { ...aligned, samplingRatio: 2 })).toEqual([]);
    const legacy = { numBins: 1, samplingRatio: 0, aligned: false };
    expect(taps(3, 3, 1, 8, legacy)).toEqual([
      { bin: 0, cell: 3, weight: 0.5 },
      { bin: 0, cell: 4, weight: 0.5 },
    ]);
  });
});

test('inside the map the weights of every bin sum to 1 and cells ascend without repetition', () => {
  fc.assert(
    fc.property(
      fc.float({ min: 1, max: 200, noNaN: true }),
      fc.float({ min: Math.fround(0.01), max: 200, noNaN: true }),
      fc.constantFrom(0, 1, 2, 3),
      fc.constantFrom(1, 2, 7, 14),
      fc.boolean(),
      (low, size, samplingRatio, numBins, isAligned) => {
        const options = { numBins, samplingRatio, aligned: isAligned };
        const found = taps(low, low + size, 0.25, 120, options);
        for (let bin = 0; bin < numBins; bin++) {
          const own = found.filter((tap) => tap.bin === bin);
          expect(own.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 5);
          const cells = own.map(({ cell }) => cell);
          expect(cells).toEqual([...new Set(cells)].sort((a, b) => a - b));
        }
      },
    ),
  );
});
