import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { ClassificationEvaluator } from '../../../evaluation/classification/evaluator.js';
import { labelRank, topClasses } from '../../../evaluation/classification/top-k.js';
import { decodePartialResult, encodePartialResult } from '../../../io/partial-result.js';

const logit = fc.oneof(fc.constantFrom(0, -0, 1, -Infinity, 1e30), fc.float({ noNaN: true }));
const anyLogits = fc.array(logit, { minLength: 1, maxLength: 12 });

/** Classes by logit, of equal ones the lower index first. */
const ranked = (logits: readonly number[]): number[] =>
  [...logits.keys()].sort((a, b) =>
    logits[a] === logits[b] ? a - b : logits[b] > logits[a] ? 1 : -1,
  );

test('rank and top classes are those of a stable sort', () => {
  fc.assert(
    fc.property(anyLogits, fc.integer({ min: 1, max: 14 }), (logits, k) => {
      const order = ranked(logits);
      expect([...topClasses(logits, k)]).toEqual(order.slice(0, k));
      order.forEach((label, rank) => expect(labelRank(logits, label)).toBe(rank));
    }),
  );
});

test('three samples by hand', () => {
  const evaluator = new ClassificationEvaluator(2);
  const ln3 = Math.log(3);
  evaluator.update(Float64Array.of(ln3, 0, 0, 0, 0, ln3), [0, 1, 1]);
  const result = evaluator.finish();
  expect(result.top1).toBeCloseTo(2 / 3, 12); // equal logits: class 0 comes first
  expect(result.top5).toBe(1);
  expect([...result.perClassTop1]).toEqual([
    [0, 1],
    [1, 0.5],
  ]);
  expect(result.meanPerClassTop1).toBe(0.75);
  const { calibration } = result;
  expect(calibration?.meanNLL).toBeCloseTo((2 * Math.log(4 / 3) + Math.log(2)) / 3, 12);
  expect(calibration?.brier).toBeCloseTo((2 * 0.125 + 0.5) / 3, 12);
  const bin = calibration?.bins[11]; // (11/15, 12/15]
  expect([bin?.count, bin?.accuracy]).toEqual([2, 1]);
  expect(bin?.confidence).toBeCloseTo(0.75, 12);
  expect(calibration?.ece).toBeCloseTo((2 / 3) * 0.25 + (1 / 3) * 0.5, 12);
  expect(calibration?.mce).toBeCloseTo(0.5, 12);
});

test('ranked classes give the same accuracy, without calibration', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.array(fc.float({ noNaN: true }), { minLength: 8, maxLength: 8 }), fc.nat(7)),
        { maxLength: 6 },
      ),
      (samples) => {
        const [full, top] = [new ClassificationEvaluator(8), new ClassificationEvaluator(8)];
        for (const [logits, label] of samples) {
          full.update(Float64Array.from(logits), [label]);
          top.updateRanked(topClasses(logits, 5), label);
        }
        const { calibration: _, ...expected } = full.finish();
        const { calibration, ...actual } = top.finish();
        expect(actual).toEqual(expected);
        if (samples.length > 0) expect(calibration).toBeUndefined();
      },
    ),
  );
});

const nodeBuffer = (part: Parameters<typeof encodePartialResult>[0]): Buffer =>
  Buffer.from(encodePartialResult(part));

test('partial results add up to the whole', () => {
  const [a, b, whole, merged] = [0, 1, 2, 3].map(() => new ClassificationEvaluator(3));
  a.update(Float32Array.of(1, 2, 3), [2]);
  b.update(Float32Array.of(3, 2, 1), [1]);
  whole.update(Float32Array.of(1, 2, 3, 3, 2, 1), [2, 1]);
  // As bytes, and as Node reads a file: a Buffer, whose `slice` copies nothing.
  for (const [part, read] of [
    [a, encodePartialResult],
    [b, nodeBuffer],
  ] as const)
    merged.addPartialResult(decodePartialResult(read(part.toPartialResult()), 'part'));
  expect(merged.finish()).toEqual(whole.finish());
  expect(() => merged.addPartialResult(new ClassificationEvaluator(4).toPartialResult())).toThrow(
    'numClasses 4 instead of 3',
  );
});

test('no order and no division into shards changes a bit of a mean', () => {
  const logit = fc.double({ min: -60, max: 60, noNaN: true });
  const sample = fc.tuple(fc.array(logit, { minLength: 4, maxLength: 4 }), fc.nat(3), fc.nat(2));
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 40 }), (samples) => {
      const whole = new ClassificationEvaluator(4);
      const parts = [0, 1, 2].map(() => new ClassificationEvaluator(4));
      samples.forEach(([logits, label]) => whole.update(Float64Array.from(logits), [label]));
      for (const [logits, label, part] of samples.toReversed())
        parts[part].update(Float64Array.from(logits), [label]);
      const merged = new ClassificationEvaluator(4);
      parts.forEach((part) => merged.addPartialResult(part.toPartialResult()));
      expect(merged.finish()).toEqual(whole.finish());
    }),
  );
});

test('an infinite loss stays infinite', () => {
  const evaluator = new ClassificationEvaluator(2);
  evaluator.update(Float64Array.of(0, -Infinity), [1]);
  evaluator.update(Float64Array.of(0, 0), [1]);
  expect(evaluator.finish().calibration?.meanNLL).toBe(Infinity);
});

test('no samples have no accuracy', () => {
  const { top1, top5, numSamples } = new ClassificationEvaluator(3).finish();
  expect([top1, top5, numSamples]).toEqual([NaN, NaN, 0]);
});

describe('refuses', () => {
  test.each([
    [[1, NaN, 2], [0], 'x: expected numbers as logits, got NaN for class 1'],
    [[1, 2, 3], [3], 'x: expected a label of 0 to 2, got 3'],
    [[1, 2, 3], [0.5], 'x: expected a label of 0 to 2, got 0.5'],
    [[1, 2, 3, 4], [0], 'x: expected 1 x 3 = 3 logits, got 4'],
  ])('%j with label %j', (logits, labels, message) => {
    const evaluator = new ClassificationEvaluator(3);
    expect(() => evaluator.update(Float64Array.from(logits), labels, 'x')).toThrow(DataError);
    expect(() => evaluator.update(Float64Array.from(logits), labels, 'x')).toThrow(message);
    expect(evaluator.finish().numSamples).toBe(0);
  });

  test.each([
    [[1, 2], 'x: expected 3 or more different classes of 0 to 2, got [1, 2]'],
    [[1, 1, 2], 'got [1, 1, 2]'],
    [[0, 1, 5], 'got [0, 1, 5]'],
  ])('the ranked classes %j', (classes, message) => {
    expect(() => new ClassificationEvaluator(3).updateRanked(classes, 0, 'x')).toThrow(message);
  });

  test.each([0, 2.5, 2 ** 53])('%d classes', (count) => {
    expect(() => new ClassificationEvaluator(count)).toThrow(ConfigError);
  });
});
