import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { boxIou } from '../../../core/rle-iou.js';
import type { DetectedObject } from '../../../core/results.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import type { BestScores, DetectorCard } from '../../../inference/card.js';
import { readCard } from '../../../inference/read-card.js';
import {
  describeScores,
  detectionChoice,
  scoreOption,
  shownScores,
} from '../../../inference/detect/shown-scores.js';
import type { DetectorModel, PredictCallOptions } from '../../../inference/model.js';
import { modelOf } from '../../../inference/model-of.js';
import { open } from '../../../inference/open.js';
import { findCheckpoint } from '../../../weights/checkpoint-folder.js';
import { openAndPredict } from '../../helpers/open-and.js';
import { noise, saveSmallModels } from '../../serve/small-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-shown-scores-'));
let run: string;
let picture: string;
beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  ({ detect: run } = await saveSmallModels(folder));
  picture = join(folder, 'noise.jpg');
  writeFileSync(picture, await noise({ width: 96, height: 64 }));
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes scores into the card of the run, as its evaluations do. */
function remember(scores: Partial<Pick<DetectorCard, 'bestScores' | 'emaBestScores'>>): void {
  const path = join(run, 'checkpoints/step-1.json');
  const { state, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly state: { readonly card: DetectorCard };
  };
  const { bestScores: _, emaBestScores: __, ...card } = state.card;
  writeFileSync(path, JSON.stringify({ ...rest, state: { card: { ...card, ...scores } } }));
}

async function withModel<T>(work: (model: DetectorModel) => Promise<T>): Promise<T> {
  const model = await open<'detect'>(run);
  try {
    return await work(model);
  } finally {
    await model.release();
  }
}
const objectsOf = (options?: PredictCallOptions): Promise<readonly DetectedObject[]> =>
  withModel(async (model) => (await model.predict(picture, options)).objects);

/** Scores between those of the objects, so that some of each class are left. */
async function scoresBetween(): Promise<BestScores> {
  const all = await objectsOf({ score: 0, perClassNms: true });
  const byClass = [0, 1, 2].map((k) => {
    const own = all.filter(({ classIndex }) => classIndex === k).map(({ score }) => score);
    return own.length > 1 ? (own[0] + own[1]) / 2 : 0.9;
  });
  return { overall: 0.3, f1: 0.5, byClass };
}

test('predict shows the objects from the scores of the card, by class, and all with score 0', async () => {
  remember({});
  const all = await objectsOf();
  expect(await objectsOf({ score: 0 })).toEqual(all);
  const bestScores = await scoresBetween();
  remember({ bestScores });
  const shown = all.filter(({ score, classIndex }) => score >= bestScores.byClass[classIndex]);
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.length).toBeLessThan(all.length);
  expect(await objectsOf()).toEqual(shown);
  expect(await objectsOf({ score: 0 })).toEqual(all);
  expect(await objectsOf({ score: 0.5 })).toEqual(all.filter(({ score }) => score >= 0.5));
});

test('of objects of different classes at one place the best is kept, and all with perClassNms', async () => {
  remember({});
  const { loaded, release } = await open<'detect'>(run);
  await release();
  // Boxes and scores that do not depend on the class.
  for (const { path } of loaded.store.entries)
    if (/fc_reg|fc_cls/.test(path)) loaded.store.get(path).fill(0);
  const model = modelOf<'detect'>(await openEngine(), loaded);
  const { objects: all } = await model.predict(picture, { perClassNms: true });
  const { objects: distinct } = await model.predict(picture);
  await model.release();
  const clash = (list: readonly DetectedObject[]): boolean =>
    list.some((a, i) =>
      list
        .slice(0, i)
        .some((b) => a.classIndex !== b.classIndex && boxIou(a.box, b.box, [0])[0] > 0.701),
    );
  expect([clash(all), clash(distinct)]).toEqual([true, false]);
  expect(distinct.length).toBeLessThan(all.length);
  // A kept object is unchanged, with its mask.
  for (const each of distinct) expect(all).toContainEqual(each);
  expect(distinct[0]).toEqual(all[0]);
});

test('the moving average of the weights has scores of its own', async () => {
  const bestScores = { overall: 0.4, f1: 0.5, byClass: [0.4, 0.4, 0.4] };
  const emaBestScores = { overall: 0.6, f1: 0.5, byClass: [0.6, 0.6, 0.6] };
  remember({ bestScores, emaBestScores });
  const { state } = await findCheckpoint(join(run, 'checkpoints'));
  expect(readCard('card', state, 'detect').emaBestScores).toEqual(emaBestScores);
  expect(await withModel((model) => Promise.resolve(model.card.bestScores))).toEqual(bestScores);
});

test('predict --json says which scores it took and from where, and files hold all objects', async () => {
  const bestScores = await scoresBetween();
  remember({ bestScores });
  const notices: string[] = [];
  const out = join(folder, 'out');
  const onNotice = (line: string): void => void notices.push(line);
  const own = await openAndPredict(run, [picture], { out, onNotice, score: undefined });
  const scores = Object.fromEntries(
    bestScores.byClass.map((value, k) => [['ant', 'bee', 'cat'][k], value]),
  );
  expect(own).toMatchObject({ score: 0.3, scores, scoreFrom: 'validation' });
  expect(notices.join('\n')).toContain("the best F1 of the run's validation (--score overrides)");
  const shown = await objectsOf();
  const detections = shown.map(({ name, score, box }) => ({ name, score, bbox: box }));
  expect(own).toMatchObject({ predictions: [{ detections }] });
  const rows = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as object[];
  expect(rows).toHaveLength((await objectsOf({ score: 0 })).length);
  const given = await openAndPredict(run, [picture], { score: 0.5 });
  expect(given).toMatchObject({ score: 0.5, scoreFrom: 'option' });
  expect(JSON.stringify(given)).not.toContain('"scores"');
  remember({});
  expect(await openAndPredict(run, [picture], { score: undefined })).toMatchObject({
    score: 0.3,
    scoreFrom: 'default',
  });
});

test('a line lists a few classes that differ, and none for a score that was given', () => {
  const names = Array.from({ length: 9 }, (_, k) => `class ${k}`);
  const byClass = names.map((_, k) => (k === 8 ? 0.4 : 0.1 * k));
  const bestScores = { overall: 0.4, f1: 1, byClass: byClass.map((s) => Number(s.toFixed(1))) };
  const line = describeScores(shownScores({ bestScores }, undefined), names);
  expect(line).toContain('from score 0.4 on (class 0 0, class 1 0.1, class 2 0.2, class 3 0.3');
  expect(line).toContain('1 more)');
  expect(describeScores(shownScores({ bestScores }, 0.2), names)).toBeUndefined();
  expect(describeScores(shownScores({}, undefined), names)).toContain('from score 0.3 on');
});

test('the score is that of the call, else of the model, else of the card, else none', () => {
  const bestScores = { overall: 0.4, f1: 1, byClass: [0.4, 0.6] };
  const least = (card: object, options: object, call: object): unknown =>
    detectionChoice(card, options, call).minScore;
  expect(least({ bestScores }, { score: 0.2 }, { score: 0.1 })).toBe(0.1);
  expect(least({ bestScores }, { score: 0.2 }, {})).toBe(0.2);
  expect(least({ bestScores }, {}, {})).toEqual([0.4, 0.6]);
  expect(least({}, {}, {})).toBe(0);
  // Where people see the objects: the same, but 0.3 for none.
  expect(scoreOption(shownScores({}, undefined))).toBe(0.3);
  expect(scoreOption(shownScores({ bestScores }, undefined))).toBeUndefined();
  expect(scoreOption(shownScores({ bestScores }, 0.1))).toBe(0.1);
  const { acrossClassesIou, max } = detectionChoice({}, { perClassNms: true, max: 3 }, {});
  expect([acrossClassesIou, max]).toEqual([undefined, 3]);
  const chosen = detectionChoice({}, { perClassNms: true, max: 3 }, { perClassNms: false, max: 2 });
  expect(chosen).toMatchObject({ acrossClassesIou: 0.7, max: 2 });
});
