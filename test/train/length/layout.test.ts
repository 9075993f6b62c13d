import { describe, expect, test } from 'vitest';
import {
  affordableEvaluations,
  laidOutSchedule,
  layOut,
  provisionalRate,
  type RunLength,
} from '../../../train/length/layout.js';
import { learningRate, type Schedule } from '../../../train/schedule.js';
import { LENGTH_RULES, stepsOfRule } from '../../../train/recipes/own-data.js';
import { RECIPES } from '../../../train/recipes/index.js';

const NONE = { warmup: false, evaluateEvery: false, checkpointEvery: false };
const POLY: Schedule = {
  kind: 'poly',
  lr: 1e-3,
  minLr: 0,
  power: 1,
  steps: 48,
  warmup: { steps: 100, ratio: 0.01 },
};
const COSINE: Schedule = { kind: 'cosine', lr: 1e-3, minLr: 0, epochs: 30, warmupEpochs: 2 };
const configured = (schedule: Schedule, epochs: number): RunLength => ({
  schedule,
  epochs,
  evaluateEvery: 2,
  checkpointEvery: 1,
});

describe('the rule for own data', () => {
  const steps = (recipe: string, images: number, batch: number): number =>
    stepsOfRule(LENGTH_RULES[recipe], images / batch);

  test('160 photos get 2,400 steps of detection, 24 never fewer than the warm-up', () => {
    expect(steps('detect', 160, 2)).toBe(2400);
    expect(steps('detect', 24, 2)).toBe(1200);
    expect(steps('detect', 1, 2)).toBe(1200);
  });

  test('beyond the most steps it is the fewest passes', () => {
    expect(steps('detect', 1000, 2)).toBe(6000);
    expect(steps('detect', 100_000, 2)).toBe(200_000);
  });

  test('it concerns recipes for own data only: none with a published schedule', () => {
    for (const name of Object.keys(LENGTH_RULES)) expect(Object.keys(RECIPES)).toContain(name);
    expect(
      Object.keys(LENGTH_RULES).filter((name) => /coco|ade20k|imagenet|fcmae/.test(name)),
    ).toEqual([]);
  });

  test('it never has fewer steps than ten times the warm-up that it leaves', () => {
    for (const images of [1, 24, 160, 5000]) {
      const layout = layOut(
        { by: 'rule', steps: steps('detect', images, 2), evaluations: 5 },
        configured(POLY, 4),
        { stepsPerEpoch: Math.max(1, images >> 1), kept: NONE },
      );
      expect(layout.warmupSteps).toBeGreaterThan(0);
      expect(layout.warmupSteps).toBeLessThanOrEqual(layout.steps / 10);
    }
  });
});

describe('a layout', () => {
  test('keeps the warm-up of the recipe up to a tenth, and spaces evaluations and checkpoints', () => {
    const long = layOut({ by: 'epochs', steps: 2400, evaluations: 10 }, configured(POLY, 4), {
      stepsPerEpoch: 80,
      kept: NONE,
    });
    expect(long).toEqual({
      by: 'epochs',
      steps: 2400,
      warmupSteps: 100,
      decidedAt: 0,
      secondsPerStep: null,
      evaluateEverySteps: 240,
      checkpointEverySteps: 240,
      evaluationImages: null,
    });
    const short = layOut({ by: 'minutes', steps: 300, evaluations: 1 }, configured(POLY, 4), {
      stepsPerEpoch: 80,
      kept: NONE,
    });
    expect(short).toMatchObject({ warmupSteps: 30, evaluateEverySteps: 300 });
    expect(short.checkpointEverySteps).toBe(75);
  });

  test('a cosine keeps the fraction of its warm-up', () => {
    const layout = layOut({ by: 'rule', steps: 600, evaluations: 3 }, configured(COSINE, 30), {
      stepsPerEpoch: 5,
      kept: NONE,
    });
    expect(layout.warmupSteps).toBe(40);
  });

  test('a rate that was reached before the layout does not fall again', () => {
    const length = configured(COSINE, 30);
    const basis = { by: 'minutes', steps: 600, evaluations: 3, decidedAt: 20 } as const;
    const layout = layOut(basis, length, { stepsPerEpoch: 5, kept: NONE });
    expect(provisionalRate(COSINE, 20, 5)).toBe(COSINE.lr);
    expect(layout.warmupSteps).toBe(20);
    const rate = learningRate(laidOutSchedule(length, layout), { step: 20, epoch: 20 });
    expect(rate).toBe(COSINE.lr);
    expect(layOut(basis, length, { stepsPerEpoch: 50, kept: NONE }).warmupSteps).toBe(40);
  });

  test('what the user set is kept', () => {
    const kept = { warmup: true, evaluateEvery: true, checkpointEvery: true };
    const layout = layOut({ by: 'rule', steps: 600, evaluations: 3 }, configured(POLY, 4), {
      stepsPerEpoch: 80,
      kept,
    });
    expect(layout).toMatchObject({ warmupSteps: 100, evaluateEverySteps: 160 });
    expect(layout.checkpointEverySteps).toBe(80);
  });

  test.each([
    ['poly', POLY, 48],
    ['cosine', COSINE, 30],
  ] as const)(
    '%s rises to the full rate and falls to zero at the last step',
    (_, schedule, epochs) => {
      const length = configured(schedule, epochs);
      const layout = layOut({ by: 'minutes', steps: 1000, evaluations: 5 }, length, {
        stepsPerEpoch: 80,
        kept: NONE,
      });
      const laidOut = laidOutSchedule(length, layout);
      const rate = (step: number): number => learningRate(laidOut, { step, epoch: step });
      const rates = Array.from({ length: 1001 }, (_, step) => rate(step));
      const top = rates.indexOf(Math.max(...rates));
      expect(top).toBeLessThanOrEqual(100);
      expect(rates[top]).toBeGreaterThan(0.9e-3);
      expect(rates[1000]).toBe(0);
      expect(rates[999]).toBeLessThan(2e-6);
    },
  );

  test('milestones keep their place', () => {
    const schedule: Schedule = {
      kind: 'multiStep',
      lr: 1,
      milestones: [27, 33],
      gamma: 0.1,
      warmup: { steps: 999, ratio: 0.001 },
    };
    const length = configured(schedule, 36);
    const layout = layOut({ by: 'minutes', steps: 360, evaluations: 1 }, length, {
      stepsPerEpoch: 80,
      kept: NONE,
    });
    expect(laidOutSchedule(length, layout)).toMatchObject({
      milestones: [270, 330],
      warmup: { steps: 36 },
    });
  });
});

test('before the layout a run warms up as its recipe and then has the full rate', () => {
  expect(provisionalRate(POLY, 0, 80)).toBeCloseTo(1e-5, 12);
  expect(provisionalRate(POLY, 50, 80)).toBeCloseTo(0.505e-3, 9);
  expect(provisionalRate(POLY, 5000, 80)).toBe(1e-3);
  expect(provisionalRate(COSINE, 5, 5)).toBeCloseTo(0.5e-3, 12);
  expect(provisionalRate(COSINE, 5000, 5)).toBe(1e-3);
  expect(provisionalRate({ ...COSINE, warmupEpochs: 0 }, 0, 5)).toBe(1e-3);
});

test('evaluations cost at most 5 %, and the last is always made', () => {
  expect(affordableEvaluations(4800, 40)).toBe(10);
  expect(affordableEvaluations(4800, 200)).toBe(2);
  expect(affordableEvaluations(10, 5000)).toBe(1);
  expect(affordableEvaluations(4800, 0)).toBe(1);
});
