import { describe, expect, test } from 'vitest';
import { assertBatch } from '../../../train/detect/check-batch.js';
import type { DetectionInput } from '../../../train/pipelines/detect.js';
import { batchOf, TINY_CONFIG, inputOf } from './tiny-detector.js';

const BOX = [5, 6, 40, 44];
const model = { config: TINY_CONFIG };
const check = (input: DetectionInput, config = TINY_CONFIG): void =>
  assertBatch(batchOf([input]), { config });

test('valid batches pass, also without objects', () => {
  expect(() => check(inputOf([BOX]))).not.toThrow();
  expect(() => check(inputOf([]))).not.toThrow();
});

describe('a message names file, image, object and what is wrong', () => {
  test.each([
    ['no width', [5, 6, 5, 44]],
    ['outside', [-1, 6, 40, 44]],
    ['beyond the image, though inside the padding', [5, 6, 81, 44]],
    ['not a number', [NaN, 6, 40, 44]],
  ])('box: %s', (_, box) => {
    const input = inputOf([BOX, box], { width: 80, height: 50 });
    expect(() => check(input)).toThrow(
      /^image\.png#17: object 101: expected a box with area inside 80x50, got \[/,
    );
  });

  test('class', () => {
    const input = inputOf([BOX]);
    input.objects.classIndices[0] = 3;
    expect(() => check(input)).toThrow('object 100: expected a class below 3, got 3');
  });

  test('mask', () => {
    const input = inputOf([BOX]);
    const objects = { ...input.objects, segmentations: [{ kind: 'none' } as const] };
    expect(() => check({ ...input, objects })).toThrow(
      'object 100: expected a mask, got none; train without masks (masks: null) or drop the object',
    );
    expect(() => check({ ...input, objects }, { ...TINY_CONFIG, masks: null })).not.toThrow();
  });

  test('sizes', () => {
    expect(() => check(inputOf([BOX], { width: 97, height: 64 }))).toThrow(
      'image.png#17: expected an image within 96x64, got 97x64',
    );
    const batch = batchOf([inputOf([BOX])]);
    expect(() => assertBatch({ ...batch, shape: [1, 60, 96, 3] }, model)).toThrow(
      'padded to multiples of 32, got [1, 60, 96, 3]',
    );
    expect(() => assertBatch({ ...batch, images: new Float32Array(5) }, model)).toThrow('got 5');
    expect(() => assertBatch({ ...batch, inputs: [] }, model)).toThrow(
      'expected 1 inputs of 1 images, got 0',
    );
  });
});
