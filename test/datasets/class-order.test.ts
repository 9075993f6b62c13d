import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { alignSegmentation } from '../../datasets/align-classes.js';
import { imageNetClasses } from '../../datasets/classes/imagenet.js';
import { classOrder, type ClassOwner } from '../../datasets/class-order.js';
import { subfolders } from '../../datasets/imagenet.js';
import { labelTable } from '../../datasets/png-label-map.js';

const order = (
  names: readonly string[],
  wanted: readonly string[],
  rule: ClassOwner & { keys?: readonly string[]; isUsed?: (k: number) => boolean } = {},
): number[] => {
  const { keys, isUsed, ...owner } = rule;
  return [...classOrder({ names, keys, isUsed }, wanted, { file: 'data', ...owner })];
};
const letters = [...'abcdefghijkl'];
const numbers = Array.from({ length: 12 }, (_, k) => String(k));

test('the same names in another order are mapped, and names may be missing', () => {
  expect(order(['b', 'c', 'a'], ['a', 'b', 'c'])).toEqual([1, 2, 0]);
  expect(order(['c', 'a'], ['a', 'b', 'c'])).toEqual([2, 0]);
});

test('other names are an error that lists the difference', () => {
  expect(() => order(['a', 'z'], ['a', 'b'])).toThrow(DataError);
  expect(() => order(['a', 'z'], ['a', 'b'], { owner: 'run5' })).toThrow(
    'data: expected the 2 classes of run5, got 2: "z" is none of them, "b" is missing',
  );
  expect(() => order(['a', 'b', 'c'], ['a', 'b'])).toThrow('got 3: "c" is none of them');
  expect(() => order(['a'], ['a', 'b'], { needsAll: true })).toThrow('got 1: "b" is missing');
});

test('an unknown class that does not occur is no difference', () => {
  expect(order(['objects', 'a', 'b'], ['a', 'b'], { isUsed: (k) => k > 0 })).toEqual([-1, 0, 1]);
});

test('numbers are indices of named classes, and compared as numbers with numbers', () => {
  expect(order(numbers, letters)).toEqual(numbers.map(Number));
  expect(order(['000', '011'], letters)).toEqual([0, 11]);
  expect(() => order(['0', '12'], letters)).toThrow(DataError);
  // A run of an older version, whose folders were sorted as text.
  const asText = numbers.toSorted();
  expect(order(numbers, asText)).toEqual(numbers.map((name) => asText.indexOf(name)));
  expect(order(['03'], asText)).toEqual([asText.indexOf('3')]);
});

test('WordNet ids are classes of ImageNet, or in the order of unnamed or other classes', () => {
  const classes = imageNetClasses();
  const names = classes.map(({ name }) => name);
  expect(order(['n01443537', 'n01440764'], names)).toEqual([1, 0]);
  expect(order(['n00000001', 'n00000002'], ['x', 'y'])).toEqual([0, 1]);
  // Two classes are called crane: by key they are told apart.
  const cranes = classes.flatMap(({ key, name }, k) => (name === 'crane' ? [{ key, k }] : []));
  expect(cranes.length).toBe(2);
  expect(order(['crane', 'crane'], names, { keys: cranes.map(({ key }) => key) })).toEqual(
    cranes.map(({ k }) => k),
  );
});

test('classes without names are compared by their number', () => {
  expect(order(['a', 'b'], ['class 0', 'class 1'])).toEqual([0, 1]);
  expect(() => order(['a'], ['class 0', 'class 1'])).toThrow('expected the 2 classes of the model');
});

test('label values follow the order of the classes', () => {
  const mapping = { numClasses: 3, reduceZeroLabel: true };
  const set = { source: 'labels', samples: [], classes: ['a', 'b', 'c'], mapping };
  const { set: aligned, line } = alignSegmentation(set, ['c', 'x', 'a', 'b']);
  expect(aligned.classes).toEqual(['c', 'x', 'a', 'b']);
  expect([...labelTable(aligned.mapping).subarray(0, 5)]).toEqual([255, 2, 3, 0, -1]);
  expect(line).toBe('labels: classes in another order than in the model, mapped by name');
  expect(alignSegmentation(set, ['a', 'b', 'c']).line).toBe(undefined);
});

test('folders with numbers as names are sorted by value, others by name', () => {
  const root = mkdtempSync(join(tmpdir(), 'convnextv2-folders-'));
  for (const name of ['10', '9', '1', '02']) mkdirSync(join(root, name));
  expect(subfolders(root)).toEqual(['1', '02', '9', '10']);
  mkdirSync(join(root, 'x'));
  expect(subfolders(root)).toEqual(['02', '1', '10', '9', 'x']);
  rmSync(root, { recursive: true });
});
