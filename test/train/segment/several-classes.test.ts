import { expect, test } from 'vitest';
import { segmentationSet } from '../../../datasets/in-memory.js';
import type { SegmentationSet } from '../../../datasets/segmentation-folder.js';
import { toOverfit } from '../../../train/overfit.js';
import { SEGMENT } from '../../../train/recipes/segment.js';
import { segment } from '../../../train/tasks/segment.js';
import type { Task } from '../../../train/tasks/task.js';

/** Set of images of two pixels with these labels. */
function set(...labels: readonly (readonly [number, number])[]): SegmentationSet {
  const examples = labels.map((pair) => ({
    image: { width: 2, height: 1, data: new Uint8Array(6) },
    labels: { width: 2, height: 1, data: Uint8Array.from(pair) },
  }));
  return segmentationSet(examples, ['ground', 'crack']);
}

async function chosen(training: SegmentationSet, count: number): Promise<readonly number[][]> {
  const data = { training, lines: [] };
  const options = { config: SEGMENT, count, note: () => undefined };
  const { data: few } = await toOverfit(segment as unknown as Task, data, options);
  const { samples } = few.training as SegmentationSet;
  expect(few.validation).toBe(few.training);
  return samples.map(({ labels }) => Array.from(labels?.data ?? []));
}

test('images of one class, for which a constant answer is right, are not what is overfitted', async () => {
  const mostlyEmpty = set([0, 0], [0, 0], [0, 1], [255, 0], [0, 0], [1, 1], [1, 0], [0, 0]);
  expect(await chosen(mostlyEmpty, 2)).toEqual([
    [0, 1],
    [1, 0],
  ]);
  expect(await chosen(mostlyEmpty, 8)).toHaveLength(2);
});

test('where all are of one class each, they are taken', async () => {
  expect(await chosen(set([0, 0], [1, 1], [0, 0]), 3)).toHaveLength(3);
});
