import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { LogRecord } from '../../train/log-record.js';
import { OverfitGoal } from '../../train/overfit.js';
import { train, type TrainOutcome } from '../../train/train.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

const evaluation = (step: number, top1: number): LogRecord => ({
  kind: 'eval',
  step,
  epoch: step,
  which: 'weights',
  metrics: { top1 },
});

describe('the goal', () => {
  const goal = (): OverfitGoal => new OverfitGoal({ metric: 'top1', atLeast: 0.95 });

  test('ends the run when it is reached', () => {
    const reached = goal();
    expect(reached.record(evaluation(1, 0.5))).toBeUndefined();
    expect(reached.record(evaluation(2, 0.96))).toBe('top1 0.960');
    expect(reached.verdict(20, undefined)).toMatchObject({ learnt: true, value: 0.96 });
    expect(reached.verdict(20, undefined).line).toMatch(
      /^the set can be learned: top1 0\.960 on the images/,
    );
  });

  test('that is missed names the likely reason', () => {
    const missed = goal();
    missed.record(evaluation(1, 0.5));
    missed.record(evaluation(2, 0.4));
    const verdict = missed.verdict(20, { learns: false, line: '', reason: 'objects of 6 px' });
    expect(verdict).toMatchObject({ learnt: false, value: 0.5, atLeast: 0.95 });
    expect(verdict.line).toMatch(
      /^the set was not learned: top1 0\.500 .*; likely: objects of 6 px$/,
    );
  });
});

let root: string;
let classes: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-overfit-'));
  classes = writeTinyClasses({ perClass: 4 });
  engine = await openEngine();
});
afterAll(() => [root, classes].forEach((folder) => rmSync(folder, { recursive: true })));

function overfit(name: string, set: readonly string[]): Promise<TrainOutcome> {
  const folder = join(root, name);
  return train('classify', {
    data: classes,
    folder,
    engine,
    overfit: 6,
    epochs: 60,
    set: [...SMALL_RECIPES.classify.settings, 'workers=0', ...set],
  });
}
const stored = (name: string, file: string): unknown =>
  JSON.parse(readFileSync(join(root, name, file), 'utf8'));

test('six images of three classes are learned, and nothing else is trained on', async () => {
  const outcome = await overfit('learned', ['lr=3e-3']);
  expect(outcome.overfit).toMatchObject({ learnt: true, metric: 'top1' });
  expect(outcome.metrics?.['count']).toBe(6);
  expect(outcome.interrupted).toBe(false);
  expect(stored('learned', 'config.json')).toMatchObject({ overfit: 6, length: { epochs: 60 } });
  expect(stored('learned', 'result.json')).toMatchObject({ overfit: outcome.overfit?.line });
}, 120_000);

test('a set that cannot be learned, at a learning rate of 0, is not', async () => {
  const outcome = await overfit('not', ['lr=0', 'minLr=0']);
  expect(outcome.overfit).toMatchObject({ learnt: false });
  expect(outcome.step).toBe(60);
  expect(outcome.learning?.learns).not.toBe(true);
  expect(outcome.overfit?.line).toMatch(
    /likely: labels that do not fit .* too few steps \(60\): more --minutes$/,
  );
}, 120_000);
