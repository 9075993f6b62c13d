import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideTime, timeEvaluation } from '../../../train/length/time-budget.js';

const BUDGET = { minutes: 10, startMs: 1000, reportImages: 0 };
const KNOWN = {
  step: 40,
  nowMs: 31_000,
  secondsPerStep: 0.25,
  numHeldOut: 40,
  numEvaluated: 1,
  evaluation: { buildSeconds: 2, secondsPerImage: 0.1 },
};

test('600 s less 12 of slack, 30 that are used and 30 of evaluations leave 2,112 steps of a quarter second', () => {
  const divided = divideTime(BUDGET, KNOWN);
  expect(divided).toMatchObject({ evaluations: 5, evaluationImages: undefined });
  expect(divided.steps).toBe(40 + (600 - 12 - 30 - 5 * 6) / 0.25);
  expect(divided.deadlineMs).toBe(1000 + 1000 * (600 - 6));
});

test('the report takes an evaluation and a second', () => {
  const divided = divideTime({ ...BUDGET, reportImages: 500 }, KNOWN);
  expect(divided.steps).toBe(40 + (600 - 12 - 30 - 30 - 7) / 0.25);
});

test('without held-out images all the time is for steps', () => {
  const divided = divideTime(BUDGET, { ...KNOWN, evaluation: undefined, numHeldOut: 0 });
  expect(divided).toMatchObject({ evaluations: 1, evaluationImages: undefined });
  expect(divided.steps).toBe(40 + (600 - 12 - 30) / 0.25);
});

test('of many held-out images as many are evaluated as 5 % of the time allow, with both weights', () => {
  const divided = divideTime(BUDGET, { ...KNOWN, numHeldOut: 5000, numEvaluated: 2 });
  expect(divided.evaluationImages).toBe((30 / 2 - 2) / 0.1);
  expect(divided.evaluations).toBe(1);
});

test('steps, evaluations and what is used fit the time, unless a step or an evaluation is longer than that', () => {
  fc.assert(
    fc.property(
      fc.record({
        minutes: fc.double({ min: 0.5, max: 600, noNaN: true }),
        secondsPerStep: fc.double({ min: 0.001, max: 2, noNaN: true }),
        buildSeconds: fc.double({ min: 0, max: 0.5, noNaN: true }),
        secondsPerImage: fc.double({ min: 0.001, max: 0.05, noNaN: true }),
        numHeldOut: fc.integer({ min: 1, max: 100_000 }),
        numEvaluated: fc.integer({ min: 1, max: 2 }),
      }),
      ({ minutes, secondsPerStep, numHeldOut, numEvaluated, ...evaluation }) => {
        const { steps, evaluations, evaluationImages } = divideTime(
          { minutes, startMs: 0, reportImages: 0 },
          { step: 0, nowMs: 0, secondsPerStep, evaluation, numHeldOut, numEvaluated },
        );
        const images = evaluationImages ?? numHeldOut;
        const one = numEvaluated * (evaluation.buildSeconds + images * evaluation.secondsPerImage);
        const all = steps * secondsPerStep + evaluations * one;
        expect(all).toBeLessThanOrEqual(60 * minutes);
        if (evaluations > 1)
          expect(evaluations * one).toBeLessThanOrEqual(0.05 * 60 * minutes + 1e-6);
        expect(all).toBeGreaterThan(0.93 * 60 * minutes - secondsPerStep);
      },
    ),
  );
});

test('a time that is over leaves no further step', () => {
  expect(divideTime(BUDGET, { ...KNOWN, nowMs: 700_000 }).steps).toBe(40);
});

test('an evaluation is timed on 2 and on 10 images', async () => {
  let ms = 0;
  const limits: number[] = [];
  const evaluate = (limit: number): Promise<void> => {
    limits.push(limit);
    ms += 3000 + 100 * limit;
    return Promise.resolve();
  };
  const times = await timeEvaluation(evaluate, 40, () => ms);
  expect(limits).toEqual([2, 10]);
  expect(times.secondsPerImage).toBeCloseTo(0.1, 9);
  expect(times.buildSeconds).toBeCloseTo(3, 9);
  const one = await timeEvaluation(evaluate, 1, () => ms);
  expect(one.buildSeconds + one.secondsPerImage).toBeCloseTo(3.1, 9);
});
