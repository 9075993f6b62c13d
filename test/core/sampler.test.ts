import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { sampleBoxes } from '../../core/sampler.js';

const assignment = fc
  .array(fc.constantFrom(-1, 0, 0, 0, 1, 2), { maxLength: 200 })
  .map((values) => Int32Array.from(values));

test('in order: the lowest indices; negatives fill the rest', () => {
  const assigned = Int32Array.of(0, 1, -1, 2, 0, 1, 0, 0, 0, 0);
  const { positives, negatives } = sampleBoxes(
    assigned,
    {
      numSamples: 6,
      positiveFraction: 0.4,
    },
    'inOrder',
  );
  expect([...positives]).toEqual([1, 3]);
  expect([...negatives]).toEqual([0, 4, 6, 7]);
});

test('infinity takes everything', () => {
  const assigned = Int32Array.of(0, 1, -1, 2);
  const config = { numSamples: Infinity, positiveFraction: 0.5 };
  const expected = { positives: Int32Array.of(1, 3), negatives: Int32Array.of(0) };
  expect(sampleBoxes(assigned, config, 'inOrder')).toEqual(expected);
  expect(sampleBoxes(assigned, config, new Random(1))).toEqual(expected);
});

test('random samples are ascending, of the right kind, and as many as in order', () => {
  fc.assert(
    fc.property(assignment, fc.nat(60), fc.nat(1000), (assigned, numSamples, seed) => {
      const config = { numSamples, positiveFraction: 0.25 };
      const drawn = sampleBoxes(assigned, config, new Random(seed));
      const first = sampleBoxes(assigned, config, 'inOrder');
      for (const kind of ['positives', 'negatives'] as const) {
        const indices = [...drawn[kind]];
        expect(indices).toHaveLength(first[kind].length);
        expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
        for (const index of indices)
          expect(Math.min(assigned[index], 1)).toBe(kind === 'positives' ? 1 : 0);
      }
    }),
  );
});

test('every candidate is drawn equally often', () => {
  const assigned = new Int32Array(20);
  const counts = new Int32Array(20);
  const random = new Random(11);
  for (let trial = 0; trial < 4000; trial++) {
    const { negatives } = sampleBoxes(assigned, { numSamples: 5, positiveFraction: 0 }, random);
    for (const index of negatives) counts[index]++;
  }
  // 1000 expected each; the deviation is about 27
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(140);
});

test('without candidates the samples are empty', () => {
  const { positives, negatives } = sampleBoxes(
    new Int32Array(0),
    { numSamples: 8, positiveFraction: 0.5 },
    new Random(1),
  );
  expect([positives.length, negatives.length]).toEqual([0, 0]);
});
