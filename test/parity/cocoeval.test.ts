import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { CocoEvaluator, type CocoResult } from '../../evaluation/coco/evaluator.js';
import { CocoMatcher, type CellObserver } from '../../evaluation/coco/match.js';
import type { IouType } from '../../core/coco.js';
import {
  CocoDetectionsBuilder,
  type CocoDetections,
  type CocoGroundTruth,
} from '../../evaluation/coco/objects.js';
import { cocoParameters, type CocoParameters } from '../../evaluation/coco/parameters.js';
import { readDetections, readGroundTruth } from '../../tools/score/read-coco.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { discoverMetricFixtures } from '../evaluation/metric-fixtures.js';

const { put } = temporaryFolder();

interface ParamsJson {
  readonly useCats?: 0 | 1;
  readonly maxDets?: number[];
  readonly imgIds?: number[];
  readonly catIds?: number[];
  readonly iouThrs?: number[];
  readonly areaRng?: [number, number][];
  readonly areaRngLbl?: string[];
}

interface RunJson {
  readonly iouType: IouType;
  readonly params: ParamsJson;
  readonly stats: number[];
  readonly shape: number[];
  readonly perCategory: {
    categoryId: number;
    AP: number;
    AP50: number | null;
    AP75: number | null;
    AR: number;
    APbyArea: number[];
    ARbyArea: number[];
  }[];
  readonly sha256: Record<'precision' | 'recall' | 'scores', string>;
  readonly sum: Record<'precision' | 'recall' | 'scores', number>;
  readonly precisionRuns?: number[];
  readonly recallRuns?: number[];
  readonly scoresRuns?: number[];
  readonly evalImgs?: (EvalImgJson | null)[];
  readonly ious?: { imageId: number; categoryId: number; iou: number[][] }[];
  readonly error?: string;
}

interface EvalImgJson {
  readonly imageId: number;
  readonly categoryId: number;
  readonly areaRng: [number, number];
  readonly maxDet: number;
  readonly dtIds: number[];
  readonly gtIds: number[];
  readonly dtMatches: number[][];
  readonly gtMatches: number[][];
  readonly dtScores: number[];
  readonly gtIgnore: number[];
  readonly dtIgnore: number[][];
}

function parametersOf(iouType: IouType, json: ParamsJson): CocoParameters {
  const { areaRng, areaRngLbl = ['all', 'small', 'medium', 'large'] } = json;
  return cocoParameters(iouType, {
    ...(json.useCats === undefined ? {} : { useCategories: json.useCats === 1 }),
    ...(json.maxDets ? { maxDetections: json.maxDets } : {}),
    ...(json.imgIds ? { imageIds: json.imgIds } : {}),
    ...(json.catIds ? { categoryIds: json.catIds } : {}),
    ...(json.iouThrs ? { iouThresholds: json.iouThrs } : {}),
    ...(areaRng
      ? { areaRanges: areaRng.map(([min, max], i) => ({ name: areaRngLbl[i], min, max })) }
      : {}),
  });
}

async function load(
  gt: string,
  dt: string,
  iouType: IouType,
): Promise<{ truth: CocoGroundTruth; detections: CocoDetections }> {
  const truth = await readGroundTruth(gt, iouType);
  const { detections, kind } = await readDetections([dt], truth, {
    iouType,
    strict: true,
    unknownImages: 'refuse',
  });
  // The reference fails; we warn.
  if (kind === undefined) throw new DataError(`${dt}: expected detections, got none`);
  return { truth, detections };
}

function evaluate(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  parameters: CocoParameters,
): CocoResult {
  const evaluator = new CocoEvaluator(truth, parameters);
  evaluator.update(detections);
  return evaluator.finish();
}

function sha256(values: Float64Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}

function expectClose(actual: readonly number[], expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((value, i) =>
    expect(Math.abs(value - expected[i]), `${what}[${i}]: ${value}, ${expected[i]}`).toBeLessThan(
      1e-12,
    ),
  );
}

function expectRun(result: CocoResult, run: RunJson): void {
  const { curves } = result;
  expect(curves.shape).toEqual(run.shape);
  for (const [name, order] of [
    ['precision', [0, 2, 3, 4, 1]],
    ['scores', [0, 2, 3, 4, 1]],
    ['recall', undefined],
  ] as const) {
    const runs = run[`${name}Runs`];
    if (runs) expect(runsOf(transpose(curves[name], curves.shape, order))).toEqual(runs);
    expect(sha256(curves[name]), name).toBe(run.sha256[name]);
  }
  expectClose(result.stats, run.stats, 'stats');
  expect(result.perCategory.map(({ categoryId }) => categoryId)).toEqual(
    run.perCategory.map(({ categoryId }) => categoryId),
  );
  run.perCategory.forEach((expected, k) => {
    const actual = result.perCategory[k];
    const what = `category ${actual.categoryId}`;
    expectClose([actual.AP, actual.AR], [expected.AP, expected.AR], what);
    // The fixtures call the thresholds 0 and 5 AP50 and AP75, whatever they are.
    for (const [key, t] of [
      ['AP50', 0],
      ['AP75', 5],
    ] as const) {
      const value = expected[key];
      if (value === null) continue;
      const threshold = result.parameters.iouThresholds[t];
      const ours = threshold === (t === 0 ? 0.5 : 0.75) ? actual[key] : apAt(result, t, k);
      expectClose([ours], [value], `${what} ${key}`);
    }
    expectClose(actual.APbyArea, expected.APbyArea, `${what} APbyArea`);
    expectClose(actual.ARbyArea, expected.ARbyArea, `${what} ARbyArea`);
  });
}

/** AP of category `k` at threshold `t`, over the first area range and the largest detection limit. */
function apAt({ curves: { shape, precision } }: CocoResult, t: number, k: number): number {
  const [, R, K, A, M] = shape;
  let sum = 0;
  for (let r = 0; r < R; r++) sum += precision[((t * R + r) * K + k) * A * M + M - 1];
  return precision[(t * R * K + k) * A * M + M - 1] < 0 ? -1 : sum / R;
}

/** `[T, R, K, A, M]` to T, K, A, M, R; `[T, K, A, M]` to K, A, M, T. */
function transpose(
  values: Float64Array,
  [T, R, K, A, M]: readonly number[],
  order: readonly number[] | undefined,
): number[] {
  const out: number[] = [];
  const inner = order ? R : 1;
  if (!order) {
    for (let i = 0; i < K * A * M; i++)
      for (let t = 0; t < T; t++) out.push(values[t * K * A * M + i]);
    return out;
  }
  for (let t = 0; t < T; t++)
    for (let i = 0; i < K * A * M; i++)
      for (let r = 0; r < inner; r++) out.push(values[(t * R + r) * K * A * M + i]);
  return out;
}

function runsOf(values: readonly number[]): number[] {
  const runs: number[] = [];
  values.forEach((value, i) => {
    if (i > 0 && value === values[i - 1]) runs[runs.length - 1]++;
    else runs.push(value, 1);
  });
  return runs;
}

/** Matches of every cell as the reference lists them, by category, area range and image; null for empty cells. */
function evalImgs(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  parameters: CocoParameters,
): { cells: (EvalImgJson | null)[]; ious: NonNullable<RunJson['ious']> } {
  const { iouThresholds, areaRanges } = parameters;
  const matcher = new CocoMatcher(truth, parameters);
  const { imageIds, categoryIds } = matcher.grid;
  const table = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  const cells = new Array<EvalImgJson | null>(
    categoryIds.length * areaRanges.length * imageIds.length,
  ).fill(null);
  const ious: NonNullable<RunJson['ious']> = [];
  const observe: CellObserver = ({ image, category, dts, gts, ious: values }) => {
    const [imageId, categoryId] = [imageIds[image], categoryIds[category]];
    if (dts.length > 0 && gts.length > 0)
      ious.push({
        imageId,
        categoryId,
        iou: Array.from(dts, (_, d) => [...values.slice(d * gts.length, (d + 1) * gts.length)]),
      });
    const perArea = areaRanges.map(({ min, max }, a) => {
      const isIgnored = (g: number): boolean =>
        truth.isCrowd[g] === 1 || truth.areas[g] < min || truth.areas[g] > max;
      const order = [...gts.filter((g) => !isIgnored(g)), ...gts.filter(isIgnored)];
      const cell: EvalImgJson = {
        imageId,
        categoryId,
        areaRng: [min, max],
        maxDet: 100,
        dtIds: Array.from(dts, (d) => d + 1),
        gtIds: order.map((g) => truth.ids[g]),
        dtMatches: table(iouThresholds.length, dts.length),
        gtMatches: table(iouThresholds.length, order.length),
        dtScores: Array.from(dts, (d) => detections.scores[d]),
        gtIgnore: order.map((g) => (isIgnored(g) ? 1 : 0)),
        dtIgnore: table(iouThresholds.length, 0).map(() =>
          Array.from(dts, (d) => {
            const area = detections.areas?.[d] ?? NaN;
            return area < min || area > max ? 1 : 0;
          }),
        ),
      };
      cells[(category * areaRanges.length + a) * imageIds.length + image] = cell;
      return { cell, order };
    });
    return (a, t, d, g) => {
      const { cell, order } = perArea[a];
      const at = order.indexOf(gts[g]);
      cell.dtMatches[t][d] = truth.ids[gts[g]];
      cell.gtMatches[t][at] = dts[d] + 1;
      cell.dtIgnore[t][d] = cell.gtIgnore[at];
    };
  };
  matcher.match(detections, { observe });
  return { cells, ious };
}

const cases = discoverMetricFixtures<{ runs: RunJson[] }>(
  'cocoeval',
  (file) => file === 'expected.json',
);

describe.each(cases)('$name', ({ folder, json: { runs } }) => {
  const loadRun = (iouType: IouType): ReturnType<typeof load> =>
    load(join(folder, 'gt.json'), join(folder, `dt-${iouType}.json`), iouType);

  test.each(runs.map((run) => ({ ...run, title: JSON.stringify(run.params) })))(
    'evaluates $iouType $title exactly',
    async (run) => {
      const { truth, detections } = await loadRun(run.iouType);
      expectRun(evaluate(truth, detections, parametersOf(run.iouType, run.params)), run);
    },
  );

  test.each(runs.filter((run) => run.evalImgs))(
    'matches each image as the reference',
    async (run) => {
      const { truth, detections } = await loadRun(run.iouType);
      const { cells, ious } = evalImgs(truth, detections, parametersOf(run.iouType, run.params));
      expect(cells).toEqual(run.evalImgs);
      const byCell = (a: { imageId: number; categoryId: number }, b: typeof a): number =>
        a.imageId - b.imageId || a.categoryId - b.categoryId;
      expect(ious.sort(byCell)).toEqual([...(run.ious ?? [])].sort(byCell));
    },
  );
});

interface QuirkJson {
  readonly name: string;
  readonly note: string;
  readonly gt: unknown;
  readonly dt: readonly RawDetection[];
  readonly dtIsRawAnnotations: boolean;
  readonly expected: RunJson;
}

interface RawDetection {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  readonly bbox: [number, number, number, number];
  readonly area: number;
}

function rawDetections(records: readonly RawDetection[]): CocoDetections {
  const builder = new CocoDetectionsBuilder();
  for (const { id, image_id, category_id, score, bbox, area } of records)
    builder.add({ id, imageId: image_id, categoryId: category_id, score, box: bbox, area });
  return builder.build();
}

const quirks = discoverMetricFixtures<{ cases: QuirkJson[] }>('cocoeval', (file) =>
  file.startsWith('quirks'),
);

describe.each(quirks)('$name', ({ json }) => {
  test.each(json.cases)('$name: $note', async ({ gt, dt, dtIsRawAnnotations, expected }) => {
    const { iouType } = expected;
    const gtFile = await put('gt.json', JSON.stringify(gt));
    const dtFile = await put('dt.json', JSON.stringify(dt));
    if (expected.error !== undefined) {
      await expect(load(gtFile, dtFile, iouType)).rejects.toThrow(DataError);
      return;
    }
    const { truth, detections } = dtIsRawAnnotations
      ? { truth: await readGroundTruth(gtFile, iouType), detections: rawDetections(dt) }
      : await load(gtFile, dtFile, iouType);
    expectRun(evaluate(truth, detections, parametersOf(iouType, expected.params)), expected);
  });
});

interface DefaultsJson {
  readonly iouThrs: number[];
  readonly recThrs: number[];
  readonly maxDets: number[];
  readonly areaRng: [number, number][];
  readonly areaRngLbl: string[];
  readonly keypoints: {
    readonly maxDets: number[];
    readonly areaRng: [number, number][];
    readonly areaRngLbl: string[];
    readonly sigmas: number[];
  };
}

const defaults = discoverMetricFixtures<DefaultsJson>('cocoeval', (file) =>
  file.startsWith('params'),
);

test.each(defaults)('$name are the default parameters to the last bit', ({ json }) => {
  const listed = (parameters: CocoParameters): unknown[] => [
    parameters.iouThresholds,
    parameters.recallPoints,
    parameters.maxDetections,
    parameters.areaRanges.map(({ min, max }) => [min, max]),
    parameters.areaRanges.map(({ name }) => name),
  ];
  const { keypoints } = json;
  expect(listed(cocoParameters('bbox'))).toEqual([
    json.iouThrs,
    json.recThrs,
    json.maxDets,
    json.areaRng,
    json.areaRngLbl,
  ]);
  expect(listed(cocoParameters('keypoints'))).toEqual([
    json.iouThrs,
    json.recThrs,
    keypoints.maxDets,
    keypoints.areaRng,
    keypoints.areaRngLbl,
  ]);
  expect(cocoParameters('keypoints').keypointSigmas).toEqual(keypoints.sigmas);
});
