import { expect, test } from 'vitest';
import type { PlannedLength } from '../../train/length/pace.js';
import { RunNarrator } from '../../train/narrator.js';

const LENGTH = { steps: 2400, layout: undefined, secondsPerStep: 0.25, done: 0 };

function lineOf(minutes: number | undefined, ...lengths: readonly Partial<PlannedLength>[]) {
  const notes: string[] = [];
  const narrator = new RunNarrator({
    facts: { counts: '160 images', fit: undefined } as never,
    metric: 'bbox_AP',
    minutes,
    note: (line) => notes.push(line),
    onLayout: () => undefined,
  });
  for (const length of lengths) narrator.planned({ ...LENGTH, ...length });
  return notes.at(-1);
}

test('the plan says the time of the whole run when it starts, and that of the rest when it goes on', () => {
  const start = { done: 0, secondsPerStep: undefined };
  expect(lineOf(undefined, start)).toBe('160 images: 2,400 steps');
  expect(lineOf(undefined, start, { done: 10 })).toBe('160 images: 2,400 steps, about 10 min');
  expect(lineOf(9, start, { done: 2000 })).toBe('160 images: 2,400 steps, about 9 min');
  const resumed = { done: 1800, secondsPerStep: undefined };
  expect(lineOf(undefined, resumed)).toBe('160 images: 2,400 steps, 600 steps left');
  for (const minutes of [undefined, 9])
    expect(lineOf(minutes, resumed, { done: 1810 })).toMatch(
      /2,400 steps, 590 steps left, about 2/,
    );
});
