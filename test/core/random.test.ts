import { expect, test } from 'vitest';
import { Random } from '../../core/random.js';

test('a restored state draws the same numbers', () => {
  const random = new Random(7);
  random.normal();
  const saved = random.state;
  const first = [random.uniform(), random.normal(), random.integer(10)];
  random.state = saved;
  expect([random.uniform(), random.normal(), random.integer(10)]).toEqual(first);
});

test('streams of one seed differ, equal streams agree', () => {
  expect(new Random(1, 2).uint32()).toBe(new Random(1, 2).uint32());
  expect(new Random(1, 2).uint32()).not.toBe(new Random(1, 3).uint32());
  expect(new Random(1, 2, 0).uint32()).not.toBe(new Random(1, 0, 2).uint32());
});

test('uniform and normal have the right moments', () => {
  const random = new Random(3);
  let sum = 0;
  let squares = 0;
  let normals = 0;
  let normalSquares = 0;
  const n = 20_000;
  for (let i = 0; i < n; i++) {
    const u = random.uniform();
    const z = random.normal();
    sum += u;
    squares += u * u;
    normals += z;
    normalSquares += z * z;
  }
  expect(sum / n).toBeCloseTo(0.5, 1.5);
  expect(squares / n).toBeCloseTo(1 / 3, 1.5);
  expect(normals / n).toBeCloseTo(0, 1);
  expect(normalSquares / n).toBeCloseTo(1, 1);
});

test('shuffle is a permutation and depends on the seed', () => {
  const ten = () => Int32Array.from({ length: 10 }, (_, i) => i);
  const a = new Random(1).shuffle(ten());
  expect([...a].sort((x, y) => x - y)).toEqual([...ten()]);
  expect([...a]).not.toEqual([...new Random(2).shuffle(ten())]);
});
