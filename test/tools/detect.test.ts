import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DataError } from '../../core/errors.js';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import { DEFAULT_ENGINE } from '../../engine/runtime/engine.js';
import { cocoParameters } from '../../evaluation/coco/parameters.js';
import type { EvaluationReport } from '../../train/evaluation.js';
import { scoreCoco } from '../../tools/score/coco.js';
import { train } from '../../train/train.js';
import { openAndEvaluate } from '../helpers/open-and.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-detect-tools-'));
const [data, run, out] = ['data', 'run', 'scores'].map((name) => join(folder, name));

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await writeShapes(data, {
    ...SHAPES_DEFAULTS,
    train: 4,
    val: 3,
    width: 96,
    height: 64,
    maxObjects: 5,
  });
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
  await train('detect', {
    data,
    folder: run,
    configFile: small,
    engine: DEFAULT_ENGINE,
  });
}, 120_000);
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const evaluate = (
  options: Parameters<typeof openAndEvaluate>[2] = {},
  path = data,
): Promise<EvaluationReport> => openAndEvaluate(run, path, options);

interface Document {
  readonly count: number;
  readonly detections: number;
  readonly bbox: Readonly<Record<string, number>>;
  readonly segm: Readonly<Record<string, number>>;
  readonly bboxPerCategory: readonly { readonly name: string; readonly AP: number }[];
}

test('eval writes results that score to the same numbers, and a table of both', async () => {
  const { document, table } = await evaluate({ out, perCategory: true });
  const { count, detections, bboxPerCategory, ...scores } = document as unknown as Document;
  expect([count, detections > 0]).toEqual([3, true]);
  expect(bboxPerCategory).toHaveLength(6);
  for (const iouType of ['bbox', 'segm'] as const) {
    const { result, numDetections } = await scoreCoco({
      gt: join(data, 'annotations/instances_val.json'),
      dt: [join(out, 'results.json')],
      parts: [],
      iouType,
      parameters: cocoParameters(iouType, { strict: false }),
      unknownImages: 'refuse',
      errors: false,
    });
    expect(numDetections).toBe(detections);
    expect(Object.values(scores[iouType])).toEqual(result.stats);
  }
  expect(JSON.parse(readFileSync(join(out, 'scores.json'), 'utf8'))).toMatchObject({ count: 3 });
  const [header, bbox, ...rest] = table;
  expect(header.slice(0, 4)).toEqual(['%', 'AP', 'AP50', 'AP75']);
  expect(bbox[0]).toBe('bbox');
  expect(rest.map(([kind]) => kind)).toContain('segm');
  expect(rest.filter(([kind]) => String(kind).startsWith('bbox '))).toHaveLength(6);
  expect(table.every((row) => row.length === header.length)).toBe(true);
});

test('eval takes splits, limits and augmented views', async () => {
  const { document } = await evaluate({ split: 'train', limit: 2, tta: true });
  expect(document['count']).toBe(2);
});

test('eval in tiles says so, and finds what the whole images do not', async () => {
  const { document: whole } = await evaluate();
  const { document } = await evaluate({ tile: 64, overlap: 0.3 });
  expect(document).toMatchObject({ count: 3, tile: { size: 64, overlap: 0.3 } });
  expect(whole['tile']).toBeNull();
  expect(document['detections']).not.toBe(whole['detections']);
  await expect(evaluate({ overlap: 0.3 })).rejects.toThrow('--tile SIZE');
});

test('data of other classes is refused, that of some of them is scored', async () => {
  const parts = `train: {annotations: data/annotations/instances_train.json, images: data/train}\nval: {annotations: ANNOTATIONS, images: data/val}\n`;
  const annotations = join(folder, 'data/annotations/instances_val.json');
  const classes = join(folder, 'classes.yaml');
  writeFileSync(classes, `${parts.replace('ANNOTATIONS', annotations)}classes: [star]\n`);
  const { document } = await evaluate({}, classes);
  const perCategory = document['bboxPerCategory'] as readonly { name: string; AP: number }[];
  expect(perCategory.filter(({ AP }) => AP >= 0).map(({ name }) => name)).toEqual(['star']);
  const renamed = join(folder, 'renamed.json');
  writeFileSync(renamed, readFileSync(annotations, 'utf8').replace('"star"', '"moon"'));
  writeFileSync(classes, parts.replace('ANNOTATIONS', renamed));
  await expect(evaluate({}, classes)).rejects.toThrow(
    /renamed\.json: expected the 6 classes of .*, got 6: "moon" is none of them, "star" is missing/,
  );
  await expect(evaluate({}, join(folder, 'nothing'))).rejects.toThrow(DataError);
});
