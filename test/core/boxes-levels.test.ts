import { expect, test } from 'vitest';
import { boxLevels } from '../../core/boxes-levels.js';

const square = (side: number): number[] => [10, 10, 10 + side, 10 + side];

test('the level increases at sides of 112, 224 and 448 pixels', () => {
  const sides = [1, 111.9, 112, 223.9, 224, 447.9, 448, 2000];
  expect([...boxLevels(Float32Array.from(sides.flatMap(square)))]).toEqual([
    0, 0, 1, 1, 2, 2, 3, 3,
  ]);
});

test('a side that rounding left just short of a limit still reaches it', () => {
  // 111.99999 / 56 = 1.9999998, which the 1e-6 in the formula lifts over 2
  expect([...boxLevels(Float32Array.of(0, 0, 112, 111.99998))]).toEqual([1]);
});

test('only the area matters, not the shape', () => {
  expect([...boxLevels(Float32Array.of(0, 0, 56, 224))]).toEqual([1]);
});

test('boxes without area go to the finest level', () => {
  expect([...boxLevels(Float32Array.of(5, 5, 5, 5, 5, 5, 4, 9))]).toEqual([0, 0]);
});

test('the number of levels bounds the result', () => {
  expect([...boxLevels(Float32Array.from(square(1000)), 2)]).toEqual([1]);
  expect(boxLevels(new Float32Array(0))).toHaveLength(0);
});
