import { describe, expect, test } from 'vitest';
import { Pace } from '../../../train/length/pace.js';
import { newRule } from '../../../train/progress.js';

const schedule = { kind: 'cosine', lr: 1, minLr: 0, epochs: 10, warmupEpochs: 0 } as const;
const kept = { warmup: false, evaluateEvery: false, checkpointEvery: false };

describe('the time that is left at most', () => {
  let nowMs = 0;
  const paceOf = (minutes: number | undefined, startStep: number): Pace =>
    new Pace({
      configured: { schedule, epochs: 10, evaluateEvery: 1, checkpointEvery: 1 },
      rule: newRule(1, 10),
      requested:
        minutes === undefined
          ? undefined
          : { by: { kind: 'minutes', minutes, startMs: 0, reportImages: 0 }, kept },
      sizes: { numImages: 20, numHeldOut: 0, imagesPerStep: 2, numEvaluated: 1 },
      restored: {},
      startStep,
      now: () => nowMs,
    });
  const laidOut = async (startStep: number): Promise<Pace> => {
    const pace = paceOf(1, startStep);
    nowMs = 10_000;
    while (!pace.measured(0.5));
    pace.adopt(await pace.layoutNow(startStep + 20, undefined));
    return pace;
  };

  test('is that of a run for a time until it is over', async () => {
    const pace = await laidOut(0);
    expect(pace.ahead(20, false).secondsAtMost).toBe(50);
    nowMs = 59_000;
    expect(pace.ahead(100, false).secondsAtMost).toBe(1);
  });

  test('is none for a resumed run, which takes all its steps', async () => {
    const pace = await laidOut(5);
    nowMs = 70_000;
    expect(pace.ahead(30, false).secondsAtMost).toBeUndefined();
  });

  test('is none for a run of configured length, or before it is laid out', () => {
    expect(paceOf(undefined, 0).ahead(30, false).secondsAtMost).toBeUndefined();
    expect(paceOf(1, 0).ahead(3, false).secondsAtMost).toBeUndefined();
  });
});
