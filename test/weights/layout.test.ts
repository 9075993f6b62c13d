import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitsLayout, torchShape, toTorchLayout, type Layout } from '../../weights/layout.js';
import { toLibraryLayout } from '../helpers/layout.js';
import { inverseAxes, permute } from '../../weights/permute.js';

const range = (length: number) => Float32Array.from({ length }, (_, i) => i);

test('permute moves axes as the definition says', () => {
  // [[0, 1, 2], [3, 4, 5]] transposed
  expect([...permute(range(6), [2, 3], [1, 0])]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...permute(range(3), [3], [0])]).toEqual([0, 1, 2]);
  expect([...permute(Float32Array.of(7), [], [])]).toEqual([7]);
  expect([...permute(range(0), [2, 0, 3], [2, 0, 1])]).toEqual([]);
});

test('permute equals a lookup by index, and its inverse undoes it', () => {
  const shapeAndAxes = fc
    .tuple(
      fc.integer({ min: 1, max: 19 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    )
    .map(([first, rest]) => [first, ...rest])
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      ),
    );
  fc.assert(
    fc.property(shapeAndAxes, ([shape, axes]) => {
      const values = range(shape.reduce((a, b) => a * b, 1));
      const sizes = axes.map((axis) => shape[axis]);
      const moved = permute(values, shape, axes);
      moved.forEach((value, position) => {
        const index = new Array<number>(shape.length);
        for (let k = axes.length - 1, rest = position; k >= 0; k--) {
          index[axes[k]] = rest % sizes[k];
          rest = Math.floor(rest / sizes[k]);
        }
        expect(value).toBe(index.reduce((flat, i, axis) => flat * shape[axis] + i, 0));
      });
      expect(permute(moved, sizes, inverseAxes(axes))).toEqual(values);
    }),
  );
});

test('matrices larger than a tile are transposed whole', () => {
  const [rows, columns] = [70, 45];
  const moved = permute(range(rows * columns), [rows, columns], [1, 0]);
  const expected = Float32Array.from(moved, (_, i) => (i % rows) * columns + Math.floor(i / rows));
  expect([...moved]).toEqual([...expected]);
});

test('each layout puts every element where its convention has it', () => {
  // PyTorch's element (a, b, c, d) has value a·1000 + b·100 + c·10 + d.
  const coded = ([A, B, C, D]: readonly number[]) => {
    const values: number[] = [];
    for (let a = 0; a < A; a++)
      for (let b = 0; b < B; b++)
        for (let c = 0; c < C; c++)
          for (let d = 0; d < D; d++) values.push(1000 * a + 100 * b + 10 * c + d);
    return Float32Array.from(values);
  };
  const at = (values: Float32Array, [, B, C, D]: readonly number[], [a, b, c, d]: number[]) =>
    values[((a * B + b) * C + c) * D + d];
  const conv = toLibraryLayout(coded([4, 3, 2, 5]), [4, 3, 2, 5], 'conv'); // OIHW to HWIO
  expect(at(conv, [2, 5, 3, 4], [0, 3, 1, 2])).toBe(2103);
  const depthwise = toLibraryLayout(coded([4, 1, 2, 5]), [4, 1, 2, 5], 'depthwise'); // C1HW to HWC1
  expect(at(depthwise, [2, 5, 4, 1], [1, 3, 2, 0])).toBe(2013);
  const transposed = toLibraryLayout(coded([3, 4, 2, 5]), [3, 4, 2, 5], 'convTranspose'); // IOHW to HWOI
  expect(at(transposed, [2, 5, 4, 3], [1, 2, 3, 0])).toBe(312);
  expect([...toLibraryLayout(range(6), [2, 3], 'linear')]).toEqual([0, 3, 1, 4, 2, 5]);
  const vector = range(4);
  expect(toLibraryLayout(vector, [1, 1, 1, 4], 'vector')).toEqual(vector);
});

test('toTorchLayout inverts writeLibraryLayout', () => {
  const layouts: [Layout, number[]][] = [
    ['linear', [2, 3]],
    ['conv', [2, 3, 4, 5]],
    ['depthwise', [2, 3, 4, 1]],
    ['convTranspose', [2, 3, 4, 5]],
  ];
  for (const [layout, shape] of layouts) {
    const values = range(shape.reduce((a, b) => a * b, 1));
    const stored = torchShape(shape, layout);
    const back = toLibraryLayout(toTorchLayout(values, shape, layout), stored, layout);
    expect(back).toEqual(values);
    expect(fitsLayout(stored, shape, layout)).toBe(true);
  }
});

test('vectors fit up to axes of size 1, everything else exactly', () => {
  expect(fitsLayout([1, 1, 1, 8], [8], 'vector')).toBe(true);
  expect(fitsLayout([8], [1, 1, 8], 'vector')).toBe(true);
  expect(fitsLayout([], [1], 'vector')).toBe(true);
  expect(fitsLayout([4, 2], [8], 'vector')).toBe(false);
  expect(fitsLayout([3, 2], [2, 3], 'linear')).toBe(true);
  expect(fitsLayout([2, 3], [2, 3], 'linear')).toBe(false);
  expect(fitsLayout([3, 2, 1, 1], [2, 3], 'linear')).toBe(false);
});
