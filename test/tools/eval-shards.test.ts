import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import { DEFAULT_ENGINE } from '../../engine/runtime/engine.js';
import type { EvaluationReport } from '../../train/evaluation.js';
import { formatTable } from '../../tools/output.js';
import { train } from '../../train/train.js';
import { openAndEvaluate } from '../helpers/open-and.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

const IMAGES = 3;
const root = mkdtempSync(join(tmpdir(), 'convnextv2-shards-'));
const shapes = join(root, 'shapes');
const classes = writeTinyClasses({ classes: 3, perClass: 2 });
const DATA = { classify: classes, detect: shapes, segment: join(shapes, 'segment.yaml') };

const lines: string[] = [];
beforeAll(async () => {
  await writeShapes(shapes, {
    ...SHAPES_DEFAULTS,
    train: 2,
    val: IMAGES,
    width: 64,
    height: 64,
    maxObjects: 4,
    labels: true,
  });
});
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
});
afterAll(() => {
  vi.restoreAllMocks();
  [root, classes].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

describe.each(['classify', 'detect', 'segment'] as const)('%s', (task) => {
  const run = join(root, task);
  const data = DATA[task];
  const { recipe, settings } = SMALL_RECIPES[task];
  const evaluate = (shard?: string): Promise<EvaluationReport> =>
    openAndEvaluate(run, data, {
      batch: 2,
      workers: 0,
      limit: IMAGES,
      shard,
      out: shard && join(root, `${task}-scores`),
    });
  /** Fields other than files and times. */
  const scores = ({ document }: EvaluationReport): object => {
    const { seconds: _, imagesPerSecond: __, scored: ___, missing: ____, ...rest } = document;
    return rest;
  };

  test('more shards than images: one that has none says so, the last one has the scores of one process', async () => {
    await train(recipe, {
      data,
      folder: run,
      engine: DEFAULT_ENGINE,
      steps: 1,
      set: [...settings, 'batchSize=2', 'workers=0', 'accumulation=1'],
    });
    const whole = await evaluate();
    // Something to merge: a detector that finds nothing has the same scores in any case.
    if (task === 'detect') expect(whole.document['detections']).toBeGreaterThan(5);
    lines.length = 0;
    const empty = await evaluate('3/4');
    expect(lines.join('')).toContain('shard 3/4 has none of the images');
    expect(formatTable(empty.table)).toBe('no scores yet: no image is done');
    lines.length = 0;
    for (const shard of ['0/4', '2/4']) {
      const table = formatTable((await evaluate(shard)).table);
      expect(table).not.toContain('NaN');
      expect(table).not.toContain('no scores');
    }
    const last = await evaluate('1/4');
    expect(lines.join('')).not.toContain('has none');
    expect(scores(last)).toEqual(scores(whole));
  }, 60_000);
});
