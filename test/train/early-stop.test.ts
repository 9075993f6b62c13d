import { expect, test } from 'vitest';
import { EarlyStop } from '../../train/early-stop.js';
import type { LogRecord } from '../../train/log-record.js';

const evaluation = (
  step: number,
  top1: number,
  which: 'weights' | 'ema' = 'weights',
): LogRecord => ({
  kind: 'eval',
  step,
  epoch: step / 10,
  which,
  metrics: { top1 },
});
const TRAIN: LogRecord = {
  kind: 'train',
  step: 15,
  epoch: 1.5,
  lr: 1e-3,
  losses: { loss: 0.5 },
  gradientNorm: 1,
  imagesPerSecond: 1,
  dataWait: 0,
  rssBytes: 0,
};

const run = (values: readonly number[], patience: number): (string | undefined)[] => {
  const stop = new EarlyStop('top1', patience);
  return values.map((value, i) => stop.record(evaluation(10 * (i + 1), value)));
};

test('ends after so many evaluations without a better score', () => {
  const results = run([0.5, 0.6, 0.6, 0.59], 2);
  expect(results.slice(0, 3)).toEqual([undefined, undefined, undefined]);
  expect(results[3]).toBe('no better top1 than 0.6000 of step 20 in 2 evaluations');
});

test('a better score starts the count anew', () => {
  expect(run([0.5, 0.4, 0.51, 0.4, 0.52], 2)).toEqual(Array(5).fill(undefined));
});

test('weights and their average are one evaluation, and steps and other metrics none', () => {
  const stop = new EarlyStop('top1', 1);
  expect(stop.record(evaluation(10, 0.5))).toBeUndefined();
  expect(stop.record(evaluation(10, 0.4, 'ema'))).toBeUndefined();
  expect(stop.record(TRAIN)).toBeUndefined();
  expect(stop.record({ ...evaluation(20, 0), metrics: { loss: 1 } } as LogRecord)).toBeUndefined();
  expect(stop.record(evaluation(20, 0.4))).toMatch(/in 1 evaluations/);
});
