import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { labelRank, topClasses } from '../../evaluation/classification/top-k.js';
import { discoverMetricFixtures } from '../evaluation/metric-fixtures.js';

interface ClassificationJson {
  readonly N: number;
  readonly K: number;
  readonly labels: number[];
  readonly logits: string;
  readonly rank: number[];
  readonly top: Record<'1' | '5', number>;
  readonly argmaxLowestIndex: number[];
  readonly top5Indices: number[][];
  readonly calibration?: {
    readonly ece: number;
    readonly mce: number;
    readonly binRows: [number, number | null, number | null][];
    readonly meanNLL: number | null;
    readonly brier: number;
  };
  readonly perClassTop1: Record<string, number>;
  readonly meanPerClassTop1: number;
}

const fixtures = discoverMetricFixtures<ClassificationJson>('classification', () => true);

function expectClose(actual: number, expected: number | null | undefined, what: string): void {
  if (expected === null || expected === undefined) expect(actual, what).toBeNaN();
  else expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(1e-12);
}

describe.each(fixtures)('$name', ({ folder, json }) => {
  const { N, K, labels } = json;
  const bytes = new Uint8Array(readFileSync(join(folder, json.logits)));
  const logits = new Float32Array(bytes.buffer); // [N, K]
  const rows = labels.map((_, i) => logits.subarray(i * K, (i + 1) * K));

  test('ranks the labels by the tie rule', () => {
    expect(logits.length).toBe(N * K);
    expect(rows.map((row, i) => labelRank(row, labels[i]))).toEqual(json.rank);
    expect(rows.map((row) => topClasses(row, 1)[0])).toEqual(json.argmaxLowestIndex);
    expect(rows.map((row) => [...topClasses(row, 5)])).toEqual(json.top5Indices);
  });

  test('gives accuracy and calibration', () => {
    const evaluator = new ClassificationEvaluator(K);
    evaluator.update(logits, labels);
    const result = evaluator.finish();
    expect(result.numSamples).toBe(N);
    expect(result.top1).toBe(json.top[1]);
    expect(result.top5).toBe(json.top[5]);
    expect(Object.fromEntries(result.perClassTop1)).toEqual(json.perClassTop1);
    expectClose(result.meanPerClassTop1, json.meanPerClassTop1, 'meanPerClassTop1');
    const { calibration } = result;
    if (!json.calibration) return;
    for (const key of ['ece', 'mce', 'brier', 'meanNLL'] as const)
      expectClose(calibration?.[key] ?? Infinity, json.calibration[key], key);
    json.calibration.binRows.forEach(([count, confidence, accuracy], b) => {
      const bin = calibration?.bins[b];
      expect(bin?.count).toBe(count);
      expectClose(bin?.confidence ?? Infinity, confidence, `confidence ${b}`);
      expectClose(bin?.accuracy ?? Infinity, accuracy, `accuracy ${b}`);
    });
  });
});
