import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { seedGradient } from '../../../models/detection/seed-gradient.js';

test('the gradient is the given one, whatever the value', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const x = tf.tensor1d([1, 2, 3]);
    const seed = tf.tensor1d([5, -1, 0.5]);
    expect(seedGradient(x, seed).arraySync()).toBe(0);
    // d/dx of seed · 2x
    const gradient = tf.grad((y) => seedGradient(y.mul(2), seed))(x);
    expect([...gradient.dataSync()]).toEqual([10, -2, 1]);
  });
});

test('another shape is refused', () => {
  expect(() => seedGradient(tf.zeros([2]), tf.zeros([3]))).toThrow('seedGradient');
});
