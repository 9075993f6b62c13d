import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../../datasets/shapes/write.js';
import { DEFAULT_ENGINE } from '../../../engine/runtime/engine.js';
import { ERROR_KINDS, type ErrorBreakdown } from '../../../evaluation/coco/error-breakdown.js';
import type { ImageModel } from '../../../inference/model.js';
import { analyzeErrors } from '../../../tools/analyze/errors.js';
import type { EvaluationReport } from '../../../train/evaluation.js';
import { costliestError } from '../../../train/detect/error-costs.js';
import { train } from '../../../train/train.js';
import { runInProcess } from '../../helpers/in-process.js';
import { openAndEvaluate } from '../../helpers/open-and.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-errors-'));
const [data, run] = ['data', 'run'].map((name) => join(folder, name));
const ANNOTATIONS = join(data, 'annotations/instances_val.json');

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await writeShapes(data, { ...SHAPES_DEFAULTS, train: 4, val: 4, width: 96, height: 64 });
  const small = join(folder, 'small.yaml');
  writeFileSync(
    small,
    [
      'backbone: {depths: [1, 1, 1, 1], dims: [4, 4, 8, 8]}',
      'detector: {channels: 8}',
      'evaluation:',
      '  limits: {long: 96, short: 64}',
      '  thresholds: {scoreThreshold: 0.01, maxPerImage: 20}',
      'training: {scales: {shortSides: [64], crop: {shortSides: [64], sides: [32, 64]}}}',
      'epochs: 1',
      'workers: 0',
    ].join('\n'),
  );
  await train('detect', { data, folder: run, configFile: small, engine: DEFAULT_ENGINE });
}, 120_000);
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

interface Analysis extends ErrorBreakdown {
  readonly count: number;
  readonly costliest: string | null;
  readonly advice: string;
  readonly examples: Readonly<
    Record<
      string,
      readonly {
        readonly file: string;
        readonly imageId: number;
        readonly category: string;
        readonly box: readonly number[];
        readonly score: number | null;
        readonly annotationId: number | null;
      }[]
    >
  >;
}

interface Annotated {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly annotations: readonly {
    readonly id: number;
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly number[];
  }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

async function analyze(...options: readonly string[]): Promise<Analysis> {
  const args = ['analyze', 'errors', run, '--data', data, '--json', ...options];
  const { code, stdout, stderr } = await runInProcess(args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Analysis;
}

test('the six kinds are those of the detections that eval scores', async () => {
  const { AP, count, counts, gains, special, examples } = await analyze();
  const { document }: EvaluationReport = await openAndEvaluate(run, data);
  const { bbox, detections } = document as unknown as {
    readonly bbox: { readonly AP50: number };
    readonly detections: number;
  };
  expect(count).toBe(4);
  expect(AP).toBeCloseTo(bbox.AP50, 9);
  const { annotations, images, categories } = JSON.parse(
    readFileSync(ANNOTATIONS, 'utf8'),
  ) as Annotated;
  expect(Object.keys(counts)).toEqual([...ERROR_KINDS]);
  const { missed, ...wrong } = counts;
  const falseOnes = Object.values(wrong).reduce((sum, n) => sum + n, 0);
  expect(falseOnes).toBeGreaterThan(0);
  expect(falseOnes).toBeLessThanOrEqual(detections);
  expect(missed).toBeLessThanOrEqual(annotations.length);
  expect(Object.values(gains).every((gain) => gain >= 0)).toBe(true);
  expect(Object.values(special).every((gain) => Number.isFinite(gain))).toBe(true);
  for (const kind of ERROR_KINDS) {
    expect(examples[kind]).toHaveLength(Math.min(3, counts[kind]));
    const scores = examples[kind].map(({ score }) => score ?? 0);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const { file, imageId, category, box, score, annotationId } of examples[kind]) {
      const image = images.find(({ id }) => id === imageId);
      expect(file).toBe(join(data, 'val', String(image?.file_name)));
      expect([score === null, annotationId !== null]).toEqual(
        Array.from({ length: 2 }, () => kind === 'missed'),
      );
      if (kind !== 'missed') continue;
      const object = annotations.find(({ id }) => id === annotationId);
      expect(object).toMatchObject({ image_id: imageId, bbox: box });
      expect(category).toBe(categories.find(({ id }) => id === object?.category_id)?.name);
    }
  }
});

test('people get a table with the costs, one line of advice, and the worst examples', async () => {
  const args = ['analyze', 'errors', run, '--data', data];
  const { code, stdout } = await runInProcess(args);
  expect(code).toBe(0);
  const { counts, advice, examples } = await analyze();
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^error +count +AP50 points$/);
  expect(lines[6]).toMatch(new RegExp(`^object not found +${counts.missed} +\\d+\\.\\d$`));
  expect(lines).toContain(advice);
  for (const { file } of Object.values(examples).flat()) expect(stdout).toContain(file);
});

test('the report begins with the same verdict', async () => {
  const { advice } = await analyze();
  const { verdict } = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8')) as {
    readonly verdict: string;
  };
  const [, score, next] = /^AP50 of boxes is (.*?); (.*)$/.exec(advice) ?? [];
  expect(verdict).toBe(`AP50 of boxes ${score} on only 4 images that it has not seen; ${next}`);
  const html = readFileSync(join(run, 'report.html'), 'utf8');
  expect(html).toContain(`<p class="verdict">${verdict}.</p>`);
});

test('splits and limits are those of eval', async () => {
  const { count, counts } = await analyze('--split', 'train', '--limit', '2');
  expect(count).toBe(2);
  const { images, annotations } = JSON.parse(
    readFileSync(ANNOTATIONS.replace('_val', '_train'), 'utf8'),
  ) as Annotated;
  const first = images.slice(0, 2).map(({ id }) => id);
  const objects = annotations.filter(({ image_id: id }) => first.includes(id));
  expect(counts.missed).toBeLessThanOrEqual(objects.length);
});

test('mistakes are told before the images are looked at', async () => {
  const errors = (...rest: readonly string[]) => runInProcess(['analyze', 'errors', run, ...rest]);
  for (const [rest, message] of [
    [['--data', join(folder, 'none')], /none/],
    [['--data', data, '--split', 'test'], /--split: expected train or val, got test/],
    [[], /--data/],
  ] as const) {
    const { code, stderr, stdout } = await errors(...rest);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  }
});

test('a model of another task is refused', async () => {
  const classifier = { task: 'classify', file: 'cats.safetensors' } as unknown as ImageModel;
  await expect(analyzeErrors(classifier, data, {})).rejects.toThrow(
    'analyze errors: expected a detector, got cats.safetensors for the task classify',
  );
});

test('data without objects have no errors to analyze', async () => {
  const bare = join(folder, 'bare.json');
  const all = JSON.parse(readFileSync(ANNOTATIONS, 'utf8')) as Annotated;
  writeFileSync(bare, JSON.stringify({ ...all, annotations: [] }));
  const config = join(folder, 'bare.yaml');
  writeFileSync(
    config,
    [
      `train: {annotations: ${ANNOTATIONS.replace('_val', '_train')}, images: ${data}/train}`,
      `val: {annotations: ${bare}, images: ${data}/val}`,
    ].join('\n'),
  );
  const { code, stderr } = await runInProcess(['analyze', 'errors', run, '--data', config]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/bare\.json.*expected .*objects/);
});

const breakdown = (AP: number, gains: Partial<ErrorBreakdown['gains']>): ErrorBreakdown => {
  const none = { localisation: 0, classification: 0, duplicate: 0, background: 0, both: 0 };
  return {
    AP,
    counts: { ...none, missed: 0 },
    gains: { ...none, missed: 0, ...gains },
    special: { falsePositives: 0, falseNegatives: 0 },
    kindOf: [],
    missed: [],
  };
};

test('the advice is that for the largest cost', () => {
  const all = ERROR_KINDS.map((kind) => costliestError(breakdown(0.6, { [kind]: 0.18 })));
  expect(all.map(({ kind }) => kind)).toEqual([...ERROR_KINDS]);
  expect(new Set(all.map(({ advice }) => advice)).size).toBe(6);
  expect(costliestError(breakdown(0.621, { localisation: 0.18, missed: 0.1 }))).toEqual({
    kind: 'localisation',
    loss: 'most is lost to boxes that are too far off (18.0 points)',
    advice: 'train longer or at a larger size',
  });
});

test('a detector that has learned little, or all, gets no advice for a kind', () => {
  expect(costliestError(breakdown(0.01, { missed: 0.18 }))).toMatchObject({
    kind: 'missed',
    loss: 'it has learned little yet',
  });
  expect(costliestError(breakdown(0, {}))).toMatchObject({ kind: undefined });
  expect(costliestError(breakdown(1, {})).loss).toBe('no error costs any of it');
});
