import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { RemainingTime } from '../../../tools/progress/remaining-time.js';
import type { WorkAhead } from '../../../train/log-record.js';

/** A record of steps or of an evaluation, and when it came. */
interface Seen {
  readonly kind: 'train' | 'eval';
  readonly step: number;
  readonly ms: number;
}

/**
 * Recorded: `train classify` on 96 images of `examples/own-classifier.mjs` at 64 px, batch 16, 120 steps, an evaluation on
 * 24 images every 24 steps, on two cores beside other work. Milliseconds at which every second step and the evaluations ended.
 */
const STEPS_MS = [
  10736, 11224, 12065, 13444, 14803, 15508, 16797, 17507, 17858, 19161, 20934, 22227, 28581, 29669,
  30906, 31741, 32513, 33147, 33980, 34428, 34821, 35653, 36730, 37033, 41488, 41995, 42681, 43527,
  44774, 45849, 47089, 47593, 48478, 49136, 49947, 50634, 57418, 57759, 58815, 60192, 60524, 61893,
  63523, 65258, 67104, 68442, 69154, 69650, 74946, 76143, 76631, 78705, 79646, 80028, 81318, 82001,
  83442, 84118, 84905, 86141,
];
const EVALUATIONS_MS = [26687, 40185, 55642, 73788, 90637];
const RECORDED: readonly Seen[] = [
  ...STEPS_MS.map((ms, i) => ({ kind: 'train', step: 2 * (i + 1), ms }) as const),
  ...EVALUATIONS_MS.map((ms, i) => ({ kind: 'eval', step: 24 * (i + 1), ms }) as const),
].toSorted((a, b) => a.ms - b.ms);

/** Steps of 0.8 s with noise, of which some build graphs, and an evaluation of weights and EMA every 300. */
function longRun(steps: number): readonly Seen[] {
  const random = new Random(3);
  const seen: Seen[] = [];
  let ms = 20_000;
  for (let step = 1; step <= steps; step++) {
    ms += 800 * random.between(0.7, 1.3) + (random.between(0, 1) < 0.02 ? 6000 : 0);
    if (step % 20 === 0) seen.push({ kind: 'train', step, ms });
    if (step % 300 !== 0) continue;
    for (let which = 0; which < 2; which++) seen.push({ kind: 'eval', step, ms: (ms += 30_000) });
  }
  return seen;
}

/** Ratio of the estimated to the true time at every record of steps, with the done fraction of the steps. */
function ratios(seen: readonly Seen[], { every, cost }: { every: number; cost: number }) {
  const total = seen.findLast(({ kind }) => kind === 'train')?.step ?? 0;
  const end = seen.at(-1)?.ms ?? 0;
  const remaining = new RemainingTime(0);
  return seen.flatMap(({ kind, step, ms }) => {
    if (kind === 'eval') {
      remaining.evaluated(step, ms);
      return [];
    }
    remaining.stepped(step, ms);
    const evaluations = Math.floor(total / every) - Math.floor((step - 1) / every);
    const ahead: WorkAhead = { evaluations, stepsOfEvaluation: cost };
    const seconds = remaining.seconds(total, ahead);
    return seconds === undefined
      ? []
      : [{ done: step / total, ratio: (1000 * seconds) / (end - ms) }];
  });
}

describe.each([
  ['a recorded run', RECORDED, { every: 24, cost: 0.75 }],
  // The images of an evaluation would take 60 s; it is known as 75 steps of 0.92 s.
  ['a long run with graphs to build', longRun(3000), { every: 300, cost: 75 }],
] as const)('%s', (_, seen, plan) => {
  const all = ratios(seen, plan);

  test('is estimated within 20 % from a tenth of the steps on', () => {
    // The last evaluation alone is no estimate of a rate.
    const counted = all.filter(({ done }) => done >= 0.1 && done <= 0.9);
    expect(counted.length).toBeGreaterThan(20);
    for (const { done, ratio } of counted) {
      expect(ratio, `at ${done}`).toBeGreaterThan(0.8);
      expect(ratio, `at ${done}`).toBeLessThan(1.2);
    }
  });

  test('is not when evaluations count as slow steps', () => {
    const last = all.filter(({ done }) => done <= 0.9);
    expect(last.length).toBeGreaterThan(0);
    const smoothed = movingAverage(seen);
    expect(Math.max(...smoothed.map((ratio) => Math.abs(ratio - 1)))).toBeGreaterThan(0.2);
  });
});

/** Ratios by a moving average of the time between records of steps, evaluations included. */
function movingAverage(seen: readonly Seen[]): readonly number[] {
  const steps = seen.filter(({ kind }) => kind === 'train');
  const [total, end] = [steps.at(-1)?.step ?? 0, seen.at(-1)?.ms ?? 0];
  let mean: number | undefined;
  return steps.slice(1).flatMap(({ step, ms }, i) => {
    const interval = (ms - steps[i].ms) / (step - steps[i].step);
    mean = mean === undefined ? interval : 0.3 * interval + 0.7 * mean;
    const done = step / total;
    return done >= 0.1 && done <= 0.9 ? [((total - step) * mean) / (end - ms)] : [];
  });
}

test('says nothing before the second record, nor for a run whose length is open', () => {
  const remaining = new RemainingTime(0);
  expect(remaining.seconds(100)).toBeUndefined();
  remaining.stepped(10, 5000);
  expect(remaining.seconds(100)).toBeUndefined();
  remaining.stepped(20, 6000);
  expect(remaining.seconds(100)).toBe(8);
  expect(remaining.seconds(Infinity)).toBeUndefined();
});

test('is no longer than the time that the run has', () => {
  const remaining = new RemainingTime(0);
  remaining.stepped(10, 5000);
  remaining.stepped(20, 6000);
  const ahead = { evaluations: 0, stepsOfEvaluation: 0 };
  expect(remaining.seconds(100, { ...ahead, secondsAtMost: 5 })).toBe(5);
  expect(remaining.seconds(100, { ...ahead, secondsAtMost: 50 })).toBe(8);
  expect(remaining.seconds(100, { ...ahead, secondsAtMost: -1 })).toBe(0);
});
