import { expect, test } from 'vitest';
import { StepTimes } from '../../../train/length/step-times.js';

const filled = (seconds: readonly number[], before?: StepTimes): StepTimes => {
  const times = new StepTimes(before?.state());
  seconds.forEach((value) => times.add(value));
  return times;
};

test('the first three steps of a session, which build graphs, do not count', () => {
  expect(filled([9, 8, 7, 1, 2, 3]).mean()).toBe(2);
});

test('a step that builds the graph of another shape is left out', () => {
  expect(filled([9, 9, 9, 1, 1, 1, 1, 30]).mean()).toBe(1);
});

test('also if most of the measured steps do so', () => {
  expect(filled([9, 9, 9, 7, 0.5, 8, 0.25, 6, 9]).mean()).toBeCloseTo(0.375, 12);
});

test('without steps that count the shortest one is taken', () => {
  expect(filled([9, 4, 7]).mean()).toBe(4);
});

test('a measurement goes on in another session, whose first steps do not count either', () => {
  const resumed = filled([50, 50, 50, 3], filled([50, 50, 50, 1]));
  expect(resumed.mean()).toBe(2);
  expect(resumed.state()).toEqual({ steps: 8, totalSeconds: 304, seconds: [1, 3] });
});

test('it is long enough after 11 steps and 5 % of the time', () => {
  const steps = (n: number, seconds: number) => filled(new Array<number>(n).fill(seconds));
  expect(steps(10, 0.6).isEnough(120)).toBe(false);
  expect(steps(11, 0.6).isEnough(120)).toBe(true);
  expect(steps(11, 0.2).isEnough(120)).toBe(false);
  expect(steps(31, 0.2).isEnough(120)).toBe(true); // 6.2 s
  expect(steps(100, 0.59).isEnough(36_000)).toBe(false);
  expect(steps(103, 0.59).isEnough(36_000)).toBe(true); // a minute is enough
});

test('slow steps are measured in 10 % of the time, and in a quarter of it if none counts', () => {
  expect(filled([4, 4, 4, 2]).isEnough(120)).toBe(false);
  expect(filled([4, 4, 4, 2, 2, 2]).isEnough(120)).toBe(true);
  expect(filled([29]).isEnough(120)).toBe(false);
  expect(filled([30]).isEnough(120)).toBe(true);
});
