import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { peakLearningRate } from '../../train/config/pretrain.js';
import { assertSchedule, learningRate, type Schedule } from '../../train/schedule.js';

const COSINE = { kind: 'cosine', lr: 1, minLr: 0.1, epochs: 10, warmupEpochs: 2 } as const;
const STEPS = {
  kind: 'multiStep',
  lr: 1,
  milestones: [27, 33],
  gamma: 0.1,
  warmup: { steps: 500, ratio: 0.001 },
} as const;
const POLY = {
  kind: 'poly',
  lr: 1,
  minLr: 0.2,
  power: 2,
  steps: 100,
  warmup: { steps: 0, ratio: 0 },
} as const;

const atEpoch = (schedule: Schedule, epoch: number): number =>
  learningRate(schedule, { step: 100_000, epoch });
const atStep = (schedule: Schedule, step: number): number =>
  learningRate(schedule, { step, epoch: 0 });

describe('cosine', () => {
  test('warms up from 0 in fractions of epochs and ends at minLr', () => {
    expect(atEpoch(COSINE, 0)).toBe(0);
    expect(atEpoch(COSINE, 0.5)).toBe(0.25);
    expect(atEpoch(COSINE, 2)).toBe(1);
    expect(atEpoch(COSINE, 6)).toBeCloseTo(0.55, 12);
    expect(atEpoch(COSINE, 10)).toBe(0.1);
    expect(atEpoch(COSINE, 11)).toBe(0.1);
  });

  test('without warm-up starts at lr', () => {
    expect(atEpoch({ ...COSINE, warmupEpochs: 0 }, 0)).toBe(1);
  });

  test('never rises after the warm-up nor leaves minLr … lr', () => {
    const epoch = fc.double({ min: 2, max: 12, noNaN: true });
    fc.assert(
      fc.property(epoch, epoch, (a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)].map((e) => atEpoch(COSINE, e));
        expect(early).toBeGreaterThanOrEqual(late);
        expect(early).toBeLessThanOrEqual(1);
        expect(late).toBeGreaterThanOrEqual(0.1);
      }),
    );
  });
});

describe('multiStep', () => {
  test('falls by gamma at the first iteration of a milestone epoch', () => {
    expect(atEpoch(STEPS, 26.999)).toBe(1);
    expect(atEpoch(STEPS, 27)).toBeCloseTo(0.1, 15);
    expect(atEpoch(STEPS, 33)).toBeCloseTo(0.01, 15);
  });

  test("warms up as mmcv's 500 iterations and as mmengine's 0 … 999", () => {
    expect(atStep(STEPS, 0)).toBeCloseTo(0.001, 15);
    expect(atStep(STEPS, 250)).toBeCloseTo(0.5005, 12);
    expect(atStep(STEPS, 500)).toBe(1);
    const engine = { ...STEPS, warmup: { steps: 999, ratio: 0.001 } };
    for (const t of [0, 1, 500, 998]) {
      expect(atStep(engine, t)).toBeCloseTo(0.001 + (0.999 * t) / 999, 12);
    }
    expect(atStep(engine, 999)).toBe(1);
  });
});

describe('poly', () => {
  test('falls with the power of the rest and stays at minLr', () => {
    expect(atStep(POLY, 0)).toBe(1);
    expect(atStep(POLY, 50)).toBeCloseTo(0.2 + 0.8 * 0.25, 12);
    expect(atStep(POLY, 100)).toBe(0.2);
    expect(atStep(POLY, 500)).toBe(0.2);
  });

  test('the warm-up multiplies the rate of the same iteration', () => {
    const schedule = { ...POLY, minLr: 0, power: 1, warmup: { steps: 10, ratio: 0.5 } };
    expect(atStep(schedule, 5)).toBeCloseTo(0.95 * 0.75, 12);
    expect(atStep(schedule, 10)).toBeCloseTo(0.9, 12);
  });
});

test('the learning rate grows with the whole batch', () => {
  const batch = { baseLr: 1.5e-4, batchSize: 64, accumulation: 8 };
  expect(peakLearningRate(batch, 8)).toBeCloseTo(2.4e-3, 12);
});

describe('assertSchedule', () => {
  test('passes what is valid', () => {
    for (const schedule of [COSINE, STEPS, POLY]) {
      expect(() => assertSchedule('test', schedule)).not.toThrow();
    }
  });

  test.each<[string, Schedule, string]>([
    ['lr', { ...COSINE, lr: -1 }, 'test: lr: expected a number from 0, got -1'],
    ['lr NaN', { ...POLY, lr: NaN }, 'lr: expected a number from 0, got NaN'],
    ['minLr', { ...COSINE, minLr: 2 }, 'minLr: expected at most lr (1), got 2'],
    ['epochs', { ...COSINE, epochs: 0 }, 'epochs: expected a number above 0, got 0'],
    ['warm-up', { ...COSINE, warmupEpochs: 11 }, 'expected at most epochs (10), got 11'],
    ['gamma', { ...STEPS, gamma: -0.1 }, 'gamma: expected a number from 0, got -0.1'],
    ['milestones', { ...STEPS, milestones: [3, -1] }, 'milestones: expected a number from 0'],
    ['ratio', { ...STEPS, warmup: { steps: 1, ratio: 2 } }, 'warmup.ratio: expected a number'],
    ['poly minLr', { ...POLY, minLr: 2 }, 'minLr: expected at most lr (1), got 2'],
    ['steps', { ...POLY, steps: 0 }, 'steps: expected a number above 0, got 0'],
    ['power', { ...POLY, power: -1 }, 'power: expected a number from 0, got -1'],
  ])('rejects a wrong %s', (_, schedule, message) => {
    expect(() => assertSchedule('test', schedule)).toThrow(ConfigError);
    expect(() => assertSchedule('test', schedule)).toThrow(message);
  });
});
