import { beforeAll, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../../../core/errors.js';
import { captureGraph } from '../../../engine/capture/capture.js';
import { ensureCaptureBackend } from '../../../engine/capture/register.js';

beforeAll(() => tf.setBackend('cpu'));

const IMAGE = [1, 8, 8, 4];
type Image = tf.Tensor4D;
const filter = (k: number, out: number): tf.Tensor4D => tf.randomNormal([k, k, 4, out]);

test.each<[string, (x: Image) => tf.Tensor, string]>([
  ['dilated convolutions', (x) => tf.conv2d(x, filter(3, 4), 1, 'same', 'NHWC', 2), 'dilation'],
  ['convolutions in NCHW', (x) => tf.conv2d(x, filter(3, 4).reshape<tf.Tensor4D>([3, 3, 8, 2]), 1, 'same', 'NCHW'), 'NHWC'], // prettier-ignore
  ['depthwise strides', (x) => tf.depthwiseConv2d(x, filter(3, 1), 2, 'same'), 'stride 1'],
  ['depthwise multipliers', (x) => tf.depthwiseConv2d(x, filter(3, 2), 1, 'same'), 'multiplier 1'],
  [
    'other activations in fused kernels',
    (x) => tf.fused.conv2d({ x, filter: filter(3, 4), strides: 1, pad: 'same', activation: 'elu' }),
    'got elu',
  ],
  [
    'gathering by batch',
    (x) => tf.gather(x.reshape([8, 32]), tf.zeros([8, 2], 'int32'), 1, 1),
    'batchDims 0',
  ],
  ['pooling', (x) => tf.maxPool(x, 2, 2, 'valid'), 'MaxPool'],
  ['scatters', (x) => tf.unsortedSegmentSum(x, tf.tensor1d([0], 'int32'), 1), 'UnsortedSegmentSum'],
])('%s are rejected by name', (_name, body, message) => {
  const capture = (): unknown =>
    captureGraph({
      name: 'test',
      lowering: { kind: 'portable' },
      inputs: { x: { shape: IMAGE, type: 'float32' } },
      body: ({ x }) => ({ y: body(x as Image) }),
    });
  expect(capture).toThrow(ConfigError);
  expect(capture).toThrow(message);
});

test('kernels outside a capture are rejected', async () => {
  ensureCaptureBackend();
  await tf.setBackend('convnextv2-capture');
  try {
    const x = tf.tensor1d([1, 2]);
    expect(() => x.relu()).toThrow('capture: expected a graph to be open, got none');
    x.dispose();
  } finally {
    await tf.setBackend('cpu');
  }
});

test('the backend is created once', () => {
  expect(ensureCaptureBackend()).toBe(ensureCaptureBackend());
});
