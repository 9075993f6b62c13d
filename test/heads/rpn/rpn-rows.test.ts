import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RpnTargets } from '../../../core/matcher-rpn.js';
import type { FeatureMaps } from '../../../heads/roi/feature-maps.js';
import { anchorLevelSizes, pyramidShape } from '../../../heads/roi/feature-maps.js';
import { gatherPatches, rpnRows, scatterPatches } from '../../../heads/rpn/rpn-rows.js';
import { Random } from '../../../core/random.js';

/** Maps of one 64×32 image: 8×16, 4×8, 2×4, 1×2 cells and P6 with 1×1. */
const SHAPE = pyramidShape([
  [1, 8, 16, 2],
  [1, 4, 8, 2],
  [1, 2, 4, 2],
  [1, 1, 2, 2],
]);
const NUM_CELLS = 128 + 32 + 8 + 2 + 1;
const mapsOf = (shape: typeof SHAPE, fill: (i: number) => number): FeatureMaps => ({
  ...shape,
  maps: shape.levels.map(({ width, height }) =>
    Float32Array.from({ length: shape.numImages * width * height * shape.numChannels }, (_, i) =>
      fill(i),
    ),
  ),
});
const targets = (positives: number[], negatives: number[]): RpnTargets => ({
  positives: Int32Array.from(positives),
  negatives: Int32Array.from(negatives),
  deltas: Float32Array.from({ length: 4 * positives.length }, (_, i) => i + 1),
  numSampled: positives.length + negatives.length,
});
const exactly = (count: number): number => count;

test('a cell with several sampled anchors is one row', () => {
  // Cell 1 of P2: anchors 3, 4, 5; P3 begins at cell 128.
  const rows = rpnRows([targets([4], [3, 3 * 128 + 2])], SHAPE, 3, exactly);
  expect(rows.cells).toEqual([
    { image: 0, level: 0, y: 0, x: 1 },
    { image: 0, level: 1, y: 0, x: 0 },
  ]);
  expect([...rows.labels]).toEqual([0, 1, 0, 0, 0, 0]);
  expect([...rows.labelWeights]).toEqual([1, 1, 0, 0, 0, 1]);
  expect([...rows.deltas.subarray(0, 12)]).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
  expect([...rows.deltaWeights.subarray(0, 12)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
});

test('without samples there are only rows without weight', () => {
  const rows = rpnRows([targets([], [])], SHAPE, 3, () => 4);
  expect(rows.cells).toEqual([]);
  expect(rows.labelWeights).toEqual(new Float32Array(12));
  const out = new Float32Array(4 * 18).fill(9);
  gatherPatches(
    rows,
    mapsOf(SHAPE, () => 1),
    out,
  );
  expect(out).toEqual(new Float32Array(4 * 18));
});

test('neighborhoods are rows, columns, channels, with zeros outside the map', () => {
  const maps = mapsOf(SHAPE, (i) => i + 1);
  // The last cell of P4: row 1, column 3 of 2×4.
  const rows = rpnRows([targets([], [3 * (128 + 32 + 7)])], SHAPE, 3, exactly);
  const out = new Float32Array(18);
  gatherPatches(rows, maps, out);
  const cell = (y: number, x: number): number[] => [2 * (4 * y + x) + 1, 2 * (4 * y + x) + 2];
  expect([...out]).toEqual([
    ...[...cell(0, 2), ...cell(0, 3), 0, 0],
    ...[...cell(1, 2), ...cell(1, 3), 0, 0],
    ...[0, 0, 0, 0, 0, 0],
  ]);
});

test('P6 is read from every second cell of P5', () => {
  const shape = pyramidShape([
    [1, 24, 40, 1],
    [1, 12, 20, 1],
    [1, 6, 10, 1],
    [1, 3, 5, 1],
  ]);
  expect(anchorLevelSizes(shape)[4]).toEqual({ width: 3, height: 2 });
  const maps = mapsOf(shape, (i) => i);
  const firstOfP6 = 24 * 40 + 12 * 20 + 6 * 10 + 3 * 5;
  // Row 1, column 1 of P6 is row 2, column 2 of P5.
  const rows = rpnRows([targets([], [firstOfP6 + 4])], shape, 1, exactly);
  expect(rows.cells).toEqual([{ image: 0, level: 4, y: 1, x: 1 }]);
  const out = new Float32Array(9);
  gatherPatches(rows, maps, out);
  expect([...out]).toEqual([0, 2, 4, 10, 12, 14, 0, 0, 0]);
});

test('scattering is the transpose of gathering', () => {
  const shape = pyramidShape(
    [
      [8, 16],
      [4, 8],
      [2, 4],
      [1, 2],
    ].map(([h, w]) => [2, h, w, 2]),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 3 * NUM_CELLS - 1 }), { maxLength: 20 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 3 * NUM_CELLS - 1 }), { maxLength: 20 }),
      fc.integer(),
      (first, second, seed) => {
        const random = new Random(seed);
        const draw = (): number => random.between(-1, 1);
        const rows = rpnRows([targets([], first), targets([], second)], shape, 3, (n) => n + 3);
        const maps = mapsOf(shape, draw);
        const patches = new Float32Array(rows.capacity * 18);
        gatherPatches(rows, maps, patches);
        const cotangent = patches.map(draw);
        const gradients = mapsOf(shape, () => 0);
        scatterPatches(rows, cotangent, gradients);
        const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
          let sum = 0;
          for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
          return sum;
        };
        const right = maps.maps.reduce((sum, map, l) => sum + dot(map, gradients.maps[l]), 0);
        expect(dot(patches, cotangent)).toBeCloseTo(right, 4);
      },
    ),
  );
});

test('targets of another number of images are rejected', () => {
  expect(() => rpnRows([], SHAPE, 3, exactly)).toThrow('expected targets of 1 images, got 0');
});
