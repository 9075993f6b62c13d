import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { groupNames } from '../../../datasets/divide/group.js';
import { stratify, type DividedImage } from '../../../datasets/divide/stratify.js';

const RULE = { valFraction: 0.25, testFraction: 0, seed: 0 };
const alone = (classes: readonly (readonly number[])[]): DividedImage[] =>
  classes.map((inImage, i) => ({ group: `file ${i}`, classes: inImage }));

test('every class has its fraction in every part, the rare ones, too', () => {
  // 100 images: class 0 in all, class 1 in 20, class 2 in 8.
  const images = alone(
    Array.from({ length: 100 }, (_, i) => [0, ...(i % 5 === 0 ? [1] : []), ...(i < 8 ? [2] : [])]),
  );
  const parts = stratify(images, { valFraction: 0.25, testFraction: 0.25, seed: 3 }, 'set');
  const count = (part: readonly number[] = [], k: number): number =>
    part.filter((i) => images[i].classes.includes(k)).length;
  expect(parts.train).toHaveLength(50);
  for (const part of [parts.val, parts.test]) {
    expect(part).toHaveLength(25);
    expect([count(part, 1), count(part, 2)]).toEqual([5, 2]);
  }
});

test('a class of one image is trained on', () => {
  const images = alone([[0], [0], [0], [1], [0], [0], [0], [0]]);
  for (let seed = 0; seed < 10; seed++)
    expect(stratify(images, { ...RULE, seed }, 'set').train).toContain(3);
});

test('images without a class are spread as well', () => {
  const images = alone(Array.from({ length: 40 }, (_, i) => (i < 20 ? [] : [0])));
  const { val = [] } = stratify(images, RULE, 'set');
  expect(val.filter((i) => i < 20)).toHaveLength(5);
  expect(val).toHaveLength(10);
});

const image = fc.record({
  group: fc.integer({ min: 0, max: 9 }).map((n) => `group ${n}`),
  classes: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
});

test('every image is in one part, groups stay together, no part is empty, and the order does not matter', () => {
  fc.assert(
    fc.property(
      fc.array(image, { minLength: 3, maxLength: 60 }),
      fc.constantFrom(0, 0.2),
      fc.integer({ min: 0, max: 99 }),
      (images, testFraction, seed) => {
        const rule = { valFraction: 0.2, testFraction, seed };
        const numParts = testFraction > 0 ? 3 : 2;
        fc.pre(new Set(images.map(({ group }) => group)).size >= numParts);
        const parts = Object.entries(stratify(images, rule, 'set'));
        expect(parts).toHaveLength(numParts);
        expect(parts.flatMap(([, indices]) => indices).sort((a, b) => a - b)).toEqual([
          ...images.keys(),
        ]);
        const groupsOf = (indices: readonly number[]): string[] =>
          [...new Set(indices.map((i) => images[i].group))].sort();
        const groups = parts.flatMap(([, indices]) => groupsOf(indices));
        expect(new Set(groups).size).toBe(groups.length);
        for (const [, indices] of parts) expect(indices.length).toBeGreaterThan(0);
        const turned = Object.entries(stratify(images.toReversed(), rule, 'set'));
        turned.forEach(([name, indices], p) => {
          const back = indices.map((i) => images.length - 1 - i);
          expect([name, groupsOf(back)]).toEqual([parts[p][0], groupsOf(parts[p][1])]);
        });
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test('100,000 images of one class do not take the square of their number', () => {
  const images = alone(Array.from({ length: 100_000 }, () => [0]));
  const start = performance.now();
  expect(stratify(images, RULE, 'set').val).toHaveLength(25_000);
  expect(performance.now() - start).toBeLessThan(20_000);
});

test.each([
  [{ valFraction: 0, testFraction: 0 }, /expected a sum above 0 and below 1, got 0/],
  [{ valFraction: 0.6, testFraction: 0.4 }, /expected a sum above 0 and below 1, got 1/],
  [{ valFraction: 1, testFraction: 0 }, /expected numbers from 0 to below 1, got 1/],
  [{ valFraction: NaN, testFraction: 0 }, /got NaN/],
])('%o is refused', (fractions, message) => {
  const divide = (): unknown => stratify(alone([[0], [0], [0]]), { ...fractions, seed: 0 }, 'set');
  expect(divide).toThrow(ConfigError);
  expect(divide).toThrow(message);
});

test('fewer groups than parts are refused', () => {
  const images = [0, 1, 2].map(() => ({ group: 'group a', classes: [0] }));
  expect(() => stratify(images, RULE, 'set')).toThrow(
    'set: expected at least 2 images or groups of images for train, val, got 1',
  );
});

test('groups are named by parentheses or the whole match, and other files are alone', () => {
  const names = ['a_1/x.jpg', 'a_2/y.jpg', 'b_1/x.jpg', 'z.jpg'];
  expect(groupNames(names, '^([ab])_')).toEqual(['group a', 'group a', 'group b', 'file z.jpg']);
  expect(groupNames(['p\\q_1.png', 'p/q_2.png'], 'p/q')).toEqual(['group p/q', 'group p/q']);
  expect(new Set(groupNames(names)).size).toBe(4);
});

test('patterns that are invalid or match nothing are refused', () => {
  expect(() => groupNames(['a.jpg'], '(')).toThrow(
    /--group: expected a regular expression, got \(/,
  );
  expect(() => groupNames(['a.jpg'], 'frame')).toThrow(
    /--group: expected a pattern that matches file names, got frame, which matches none of 1, e.g. a.jpg/,
  );
});
