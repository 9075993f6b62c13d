import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { vjp } from '../../../engine/ops/vjp.js';

test('the gradient is the given one, whatever the value', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const x = tf.tensor1d([1, 2, 3]);
    const cotangent = tf.tensor1d([5, -1, 0.5]);
    expect(vjp(x, cotangent).arraySync()).toBe(0);
    // d/dx of cotangent · 2x
    const gradient = tf.grad((y) => vjp(y.mul(2), cotangent))(x);
    expect([...gradient.dataSync()]).toEqual([10, -2, 1]);
  });
});

test('another shape is rejected', () => {
  expect(() => vjp(tf.zeros([2]), tf.zeros([3]))).toThrow('vjp');
});
