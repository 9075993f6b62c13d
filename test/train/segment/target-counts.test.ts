import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { pixelLoss } from '../../../heads/pixel-losses.js';
import { constantLoss } from '../../../train/constant-loss.js';
import type { TargetCounts } from '../../../train/data-facts.js';
import { labelCounts } from '../../../train/segment/target-counts.js';

const LABELS = [0, 0, 0, 0, 0, 0, 1, 2, 255, 255];

/** The loss of a constant answer with the frequencies of the classes, as the counts tell it. */
function told({ counts, fraction = 1, changes, added = 0 }: TargetCounts): number {
  if (changes === 'other') return NaN;
  return fraction * constantLoss(counts, changes) + added;
}

test.each([{}, { diceWeight: 1 }, { diceWeight: 0.5 }])(
  'with %o a constant answer has the loss that the counts tell',
  async (loss) => {
    await tf.setBackend('cpu');
    const value = tf.tidy(() => {
      const frequencies = [6 / 8, 1 / 8, 1 / 8];
      const logits = LABELS.flatMap(() => frequencies.map(Math.log));
      const shape = [1, 1, LABELS.length] as const;
      const labels = tf.tensor3d(LABELS, [...shape], 'int32');
      return pixelLoss(tf.tensor4d(logits, [...shape, 3]), labels, loss).dataSync()[0];
    });
    expect(told(labelCounts(LABELS, 3, loss))).toBeCloseTo(value, 3);
  },
);

test('the loss of hard pixels alone is not compared', () => {
  const hardPixels = { threshold: 0.7, minKept: 1 };
  expect(labelCounts(LABELS, 3, { hardPixels }).changes).toBe('other');
  expect(labelCounts([255, 255], 3, { diceWeight: 1 })).toMatchObject({ added: 0, fraction: 0 });
});
