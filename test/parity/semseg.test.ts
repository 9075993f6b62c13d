import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  boundaryDistance,
  boundaryIou,
  boundaryPixels,
} from '../../evaluation/semantic/boundary-iou.js';
import { SemanticEvaluator } from '../../evaluation/semantic/evaluator.js';
import { semanticMetrics, type SemanticMetrics } from '../../evaluation/semantic/metrics.js';
import { discoverMetricFixtures } from '../evaluation/metric-fixtures.js';

/** Shares by name; lists are per class; null where undefined. */
type MetricsJson = Readonly<Record<string, number | null | (number | null)[]>>;

interface SemsegJson {
  readonly numClasses: number;
  readonly ignoreIndex: number;
  readonly reduceZeroLabel: boolean;
  readonly images: readonly { label: string; pred: string; height: number; width: number }[];
  readonly confusion: readonly [number, number, number][];
  readonly areaIntersect: number[];
  readonly areaUnion: number[];
  readonly areaPred: number[];
  readonly areaLabel: number[];
  readonly metrics: MetricsJson;
  readonly perImage: readonly MetricsJson[];
}

function expectMetrics(actual: SemanticMetrics, expected: MetricsJson): void {
  for (const [name, value] of Object.entries(expected)) {
    const ours = Array.isArray(value)
      ? actual.perClass.map((shares) => shares[name as keyof typeof shares])
      : [actual[name as 'mIoU']];
    const theirs = Array.isArray(value) ? value : [value];
    expect(ours.length, name).toBe(theirs.length);
    ours.forEach((fraction, k) => {
      const want = theirs[k];
      if (want === null) expect(fraction, `${name}[${k}]`).toBeNaN();
      else expect(Math.abs(fraction - want), `${name}[${k}]`).toBeLessThan(1e-12);
    });
  }
}

const fixtures = discoverMetricFixtures<SemsegJson>(
  'semseg',
  (file) => !file.startsWith('boundary'),
);

test.each(fixtures)('$name gives the counts and fractions', ({ folder, json }) => {
  const { numClasses: K, ignoreIndex, reduceZeroLabel } = json;
  const evaluator = new SemanticEvaluator({ numClasses: K, ignoreIndex, reduceZeroLabel });
  json.images.forEach(({ label, pred }, i) => {
    const [labels, predictions] = [label, pred].map(
      (file) => new Uint8Array(readFileSync(join(folder, file))),
    );
    expectMetrics(semanticMetrics(evaluator.update(labels, predictions)), json.perImage[i]);
  });
  const { areas, confusion, numOutOfRange, ...metrics } = evaluator.finish();
  expect([...areas.intersection]).toEqual(json.areaIntersect);
  expect([...areas.predicted]).toEqual(json.areaPred);
  expect([...areas.labeled]).toEqual(json.areaLabel);
  const union = areas.labeled.map((L, k) => L + areas.predicted[k] - areas.intersection[k]);
  expect([...union]).toEqual(json.areaUnion);
  const expected = new Float64Array(K * K);
  let outside = 0;
  for (const [label, prediction, count] of json.confusion) {
    if (prediction < K) expected[label * K + prediction] = count;
    else outside += count;
  }
  expect(confusion).toEqual(expected);
  const unlisted =
    json.areaLabel.reduce((sum, L) => sum + L, 0) - expected.reduce((a, b) => a + b, 0);
  expect(numOutOfRange).toBe(outside || unlisted);
  expectMetrics(metrics, json.metrics);
});

interface BoundaryCase {
  readonly h: number;
  readonly w: number;
  readonly dilationRatio: number;
  readonly distance: number;
  readonly gt: string[];
  readonly pred: string[];
  readonly gtBoundary: string[] | null;
  readonly boundaryIoU: number | null;
}

const boundaries = discoverMetricFixtures<{ cases: BoundaryCase[] }>('semseg', (file) =>
  file.startsWith('boundary'),
);

describe.each(boundaries)('$name', ({ json: { cases } }) => {
  test.each(cases.map((c, i) => ({ ...c, i })))('gives case $i: $h x $w, $dilationRatio', (c) => {
    const [truth, prediction] = [c.gt, c.pred].map((rows) =>
      Uint8Array.from(rows.join(''), Number),
    );
    const options = { height: c.h, width: c.w, dilationRatio: c.dilationRatio };
    expect(boundaryDistance(options)).toBe(c.distance);
    const pixels = boundaryPixels(truth, c.h, c.w, c.distance).map((edge, i) => edge & truth[i]);
    if (c.gtBoundary) expect([...pixels]).toEqual([...c.gtBoundary.join('')].map(Number));
    expect(boundaryIou(truth, prediction, options)).toBe(c.boundaryIoU ?? NaN);
  });
});
