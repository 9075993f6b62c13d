import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { decodePartialResult, encodePartialResult } from '../../../io/partial-result.js';
import { countBytePairs } from '../../../evaluation/semantic/count-pairs.js';
import { SemanticEvaluator } from '../../../evaluation/semantic/evaluator.js';
import { definedMean } from '../../../evaluation/semantic/metrics.js';

const map = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('two images by hand', () => {
  const evaluator = new SemanticEvaluator({ numClasses: 3 });
  evaluator.update(map(0, 0, 1, 255), map(0, 1, 1, 2));
  evaluator.update(map(0), map(2));
  const result = evaluator.finish();
  expect([...result.confusion]).toEqual([1, 1, 1, 0, 1, 0, 0, 0, 0]);
  expect(result.aAcc).toBe(2 / 4);
  expect(result.perClass.map(({ IoU }) => IoU)).toEqual([1 / 3, 1 / 2, 0]);
  expect(result.mIoU).toBeCloseTo((1 / 3 + 1 / 2) / 3, 12);
  expect(result.mAcc).toBe((1 / 3 + 1) / 2); // class 2 is never labeled
  expect(result.fwIoU).toBeCloseTo((3 * (1 / 3) + 1 / 2) / 4, 12);
  expect(result.numImages).toBe(2);
});

test('zero labels are reduced, ignored labels stay', () => {
  const evaluator = new SemanticEvaluator({ numClasses: 2, reduceZeroLabel: true });
  evaluator.update(map(0, 1, 2, 255), map(1, 0, 0, 0));
  expect([...evaluator.finish().confusion]).toEqual([1, 0, 1, 0]);
});

test('bytes and wider numbers are counted alike', () => {
  const pixels = fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 255), fc.nat(255)), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(pixels, fc.boolean(), (pairs, reduceZeroLabel) => {
      const labels = pairs.map(([label]) => label);
      const predictions = pairs.map(([, prediction]) => prediction);
      const options = { numClasses: 4, reduceZeroLabel };
      const [a, b] = [new SemanticEvaluator(options), new SemanticEvaluator(options)];
      a.update(Uint8Array.from(labels), Uint8Array.from(predictions));
      b.update(Int32Array.from(labels), Uint16Array.from(predictions));
      expect(a.finish()).toEqual(b.finish());
    }),
  );
});

test('pairs are counted exactly', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { maxLength: 50 }), (pairs) => {
      const counts = new Uint32Array(2 * 65536);
      countBytePairs(
        Uint8Array.from(pairs, ([l]) => l),
        Uint8Array.from(pairs, ([, p]) => p),
        counts,
      );
      let total = 0;
      for (const [label, prediction] of pairs) {
        const at = label * 256 + prediction;
        const expected = pairs.filter(([l, p]) => l === label && p === prediction).length;
        expect(counts[at] + counts[65536 + at]).toBe(expected);
      }
      for (const count of counts) total += count;
      expect(total).toBe(pairs.length);
    }),
    { numRuns: 30 },
  );
});

test('partial results add up to the whole', () => {
  const options = { numClasses: 300 };
  const [a, b, whole] = [0, 1, 2].map(() => new SemanticEvaluator(options));
  const labels = [Uint16Array.of(0, 299, 5), Uint16Array.of(7, 7)];
  const predictions = [Uint16Array.of(0, 5, 400), Uint16Array.of(7, 299)];
  [a, b].forEach((evaluator, i) => evaluator.update(labels[i], predictions[i]));
  labels.forEach((label, i) => whole.update(label, predictions[i]));
  const merged = new SemanticEvaluator(options);
  for (const part of [a, b])
    merged.addPartialResult(
      decodePartialResult(encodePartialResult(part.toPartialResult()), 'part'),
    );
  expect(merged.finish()).toEqual(whole.finish());
  expect(merged.finish().numOutOfRange).toBe(1);
});

test('nothing counted has no shares', () => {
  const result = new SemanticEvaluator({ numClasses: 2 }).finish();
  expect([result.aAcc, result.mIoU, result.mAcc]).toEqual([NaN, NaN, NaN]);
  expect(definedMean([])).toBeNaN();
});

describe('refuses', () => {
  test('labels that are no class, before anything is counted', () => {
    const evaluator = new SemanticEvaluator({ numClasses: 3 });
    expect(() => evaluator.update(map(0, 3), map(0, 0), 'a.png')).toThrow(DataError);
    expect(() => evaluator.update(map(0, 3), map(0, 0), 'a.png')).toThrow(
      'a.png: expected labels 0 to 2 or 255, got 3',
    );
    expect(evaluator.finish().numImages).toBe(0);
    const reduced = new SemanticEvaluator({ numClasses: 3, reduceZeroLabel: true });
    expect(() => reduced.update(map(4), map(0))).toThrow('labels 1 to 3, 0 or 255, got 4');
    expect(() => reduced.update(Int32Array.of(-1), map(0))).toThrow('got -1');
  });

  test('maps of different sizes, and numbers of classes that maps cannot hold', () => {
    const evaluator = new SemanticEvaluator({ numClasses: 3 });
    expect(() => evaluator.update(map(0, 1), map(0))).toThrow(
      'expected 2 predictions, one per label, got 1',
    );
    for (const numClasses of [0, 1.5, 65536, NaN])
      expect(() => new SemanticEvaluator({ numClasses })).toThrow(ConfigError);
  });

  test('partial results of another evaluation', () => {
    const part = new SemanticEvaluator({ numClasses: 3 }).toPartialResult();
    const other = new SemanticEvaluator({ numClasses: 4 });
    expect(() => other.addPartialResult(part)).toThrow('got one with numClasses 3 instead of 4');
    expect(() => other.addPartialResult({ ...part, kind: 'coco' })).toThrow(
      'a part of semantic, got one of coco',
    );
    const short = { ...part, arrays: { ...part.arrays, counts: new Float64Array(1) } };
    const same = new SemanticEvaluator({ numClasses: 3 });
    expect(() => same.addPartialResult(short)).toThrow('expected 12 counts, got 1');
  });
});
