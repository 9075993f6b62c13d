import { expect, test } from 'vitest';
import type { DetectResult } from '../../../core/results.js';
import type { DetectionSample } from '../../../datasets/sample.js';
import { asPredicted } from '../../../train/detect/report-pictures.js';

test('pictures of a report have the objects that predict shows: one a place, from the scores of the card on', () => {
  const object = (
    classIndex: number,
    score: number,
    x: number,
  ): DetectResult['objects'][number] => ({
    classIndex,
    categoryId: classIndex + 1,
    name: `class ${classIndex}`,
    score,
    box: [x, 0, 10, 10],
  });
  const objects = [
    object(0, 0.9, 0),
    object(1, 0.8, 1), // the same object by another name: IoU 9 / 11
    object(1, 0.7, 3), // another one: IoU 7 / 13
    object(1, 0.45, 40), // enough for class 1
    object(0, 0.45, 60), // too little for class 0
    object(2, 0.31, 80), // too little without a threshold of its own
  ];
  const result: DetectResult = { task: 'detect', width: 100, height: 10, objects };
  const shown = { score: 0.5, byClass: [0.6, 0.4, 0.5], from: 'validation' } as const;
  const sample = {} as DetectionSample;
  const found = asPredicted({ sample, result }, shown).result.objects;
  expect(found).toEqual([objects[0], objects[2], objects[3]]);
});
