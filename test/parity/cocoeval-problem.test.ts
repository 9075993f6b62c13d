import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeScoreProblem, type RecordedScores } from '../../bench/score-problem.js';
import { CocoEvaluator } from '../../evaluation/coco/evaluator.js';
import { cocoParameters } from '../../evaluation/coco/parameters.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { readDetections, readGroundTruth } from '../../tools/score/read-coco.js';

const NUM_IMAGES = 50;
const recorded = (
  JSON.parse(
    readFileSync(new URL('../../bench/score-recorded.json', import.meta.url), 'utf8'),
  ) as RecordedScores
)[NUM_IMAGES];
let folder = '';
let files = { gt: '', boxes: '', masks: '' };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'score-problem-'));
  files = { gt: join(folder, 'gt'), boxes: join(folder, 'boxes'), masks: join(folder, 'masks') };
  writeScoreProblem(NUM_IMAGES, files);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the benchmark problem is reproduced bit for bit', async () => {
  expect(await Promise.all(Object.values(files).map(sha256OfFile))).toEqual([
    recorded?.gt,
    recorded?.boxes,
    recorded?.masks,
  ]);
  expect(statSync(files.masks).size).toBe(1_642_640);
});

test.each([
  ['bbox', 'boxes', 'boxStats'],
  ['segm', 'masks', 'maskStats'],
] as const)('%s: the recorded numbers of the benchmark problem', async (iouType, name, stats) => {
  const truth = await readGroundTruth(files.gt, iouType);
  const { detections } = await readDetections([files[name]], truth, {
    iouType,
    strict: true,
    unknownImages: 'refuse',
  });
  const evaluator = new CocoEvaluator(truth, cocoParameters(iouType));
  evaluator.update(detections);
  const result = evaluator.finish();
  expect(result.stats.length).toBe(12);
  result.stats.forEach((value, i) =>
    expect(Math.abs(value - (recorded?.[stats][i] ?? NaN))).toBeLessThan(1e-12),
  );
});
