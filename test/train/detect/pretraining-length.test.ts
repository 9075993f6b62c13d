import { describe, expect, test } from 'vitest';
import { PretrainingLength, pretrainingSteps } from '../../../train/detect/pretraining-length.js';

/** Runs all steps of a length by a clock. @returns number of steps after every step */
function decisions(
  length: PretrainingLength,
  clock: { ms: number },
  msPerStep: (step: number) => number,
): number[] {
  const seen: number[] = [];
  for (let step = 0; step < length.steps; step++) {
    clock.ms += msPerStep(step);
    length.stepped();
    seen.push(length.steps);
  }
  return seen;
}

describe('length of pretraining', () => {
  test('is a part of the steps or of the time, and 0 for a short run', () => {
    const steps = (run: number, minutes?: number): number =>
      pretrainingSteps({ steps: 400 }, { steps: run, minutes });
    expect(steps(6000)).toBe(400);
    expect(steps(220)).toBe(220);
    expect(steps(10)).toBe(0);
    expect(steps(Infinity, 2)).toBe(120);
    expect(steps(Infinity, 60)).toBe(400);
    expect(steps(20, 60)).toBe(0);
  });

  test('does not depend on the clock without a time', () => {
    const clock = { ms: 0 };
    const length = new PretrainingLength(60, { now: () => clock.ms });
    expect(decisions(length, clock, () => 60_000)).toEqual(new Array(60).fill(60));
  });

  test('is what fits in 15 % of the time, by ten steps, of which the first two build graphs', () => {
    const clock = { ms: 0 };
    const length = new PretrainingLength(540, { minutes: 9, now: () => clock.ms });
    clock.ms = 5000;
    const seen = decisions(length, clock, (step) => (step < 2 ? 3000 : 250));
    // 81 s, of which 5 for the cutouts and 6 + 2 for the first ten steps: 68 s at 0.25 s.
    expect(seen[8]).toBe(540);
    expect(seen[9]).toBe(10 + 272);
    expect(seen).toHaveLength(282);
    expect(clock.ms).toBe(81_000);
    const fast = new PretrainingLength(540, { minutes: 9, now: () => 0 });
    expect(decisions(fast, { ms: 0 }, () => 0)).toHaveLength(540);
  });

  test('ends at once if the time is over, and is kept by a repeated run, whatever the clock says', () => {
    const clock = { ms: 0 };
    const slow = new PretrainingLength(60, { minutes: 1, now: () => clock.ms });
    expect(decisions(slow, clock, () => 10_000)).toHaveLength(10);
    const request = { minutes: 9, decidedSteps: 282, now: () => clock.ms };
    const repeated = new PretrainingLength(540, request);
    const seen = decisions(repeated, clock, () => 1);
    expect(seen).toHaveLength(282);
    expect(seen.slice(0, 9)).toEqual(new Array(9).fill(540));
  });
});
