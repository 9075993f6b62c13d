import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { listSpecs } from '../../../engine/parameters/spec.js';
import {
  boxHeadSpecs,
  deltasOfClass,
  SHARED_4CONV_1FC,
  SHARED_2FC,
} from '../../../heads/box/box-head.js';
import {
  convBatchNormInference,
  convBatchNormTraining,
  BATCH_NORM_EPS,
} from '../../../heads/box/region-batch-norm.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import { maxError } from '../../helpers/fixtures.js';
import {
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../../engine/op-case.js';

type Norm = {
  x: tf.Tensor4D;
  kernel: tf.Tensor4D;
  weight: tf.Tensor1D;
  bias: tf.Tensor1D;
  shares: tf.Tensor2D;
};
type Own = { deltas: tf.Tensor2D; oneHot: tf.Tensor2D };

const unused = (channels: number): { running_mean: tf.Tensor1D; running_var: tf.Tensor1D } => ({
  running_mean: tf.zeros([channels]),
  running_var: tf.ones([channels]),
});
const training = (x: HostTensor, shares: HostTensor, channels = 4) =>
  opCase<Norm>({
    name: 'convolution, batch norm over regions, ReLU',
    inputs: {
      x,
      kernel: values(2, [3, 3, x.shape[3], channels]),
      weight: values(3, [channels], [0.5, 1.5]),
      bias: values(4, [channels], [2, 3]), // far from the kink of the ReLU
      shares,
    },
    differentiable: ['x', 'kernel', 'weight', 'bias'],
    op: ({ x: features, kernel, weight, bias, shares: of }) =>
      tf.tidy(
        () =>
          convBatchNormTraining(
            features,
            { conv: { weight: kernel }, bn: { weight, bias, ...unused(channels) } },
            of,
          ).y,
      ),
  });
const evenShares = (rows: number, real: number): HostTensor =>
  floats(
    [1, 4 * rows],
    Array.from({ length: 4 * rows }, (_, i) => (i < 4 * real ? 1 / (4 * real) : 0)),
  );
const full = training(values(1, [3, 2, 2, 4]), evenShares(3, 3));
const own = opCase<Own>({
  name: 'deltas of the own class',
  inputs: { deltas: values(1, [3, 8]), oneHot: floats([3, 2], [0, 1, 1, 0, 0, 0]) },
  differentiable: ['deltas'],
  op: ({ deltas, oneHot }) => tf.tidy(() => deltasOfClass(deltas, oneHot).clone()),
});

describeOp([full, own]);

describe.each(WAYS)('%s', (way) => {
  test('padding RoIs do not affect the others', async () => {
    const x = values(1, [3, 2, 2, 4]);
    const filled = new Float32Array(5 * 16).fill(1e3);
    filled.set(x.data);
    const padded = training({ shape: [5, 2, 2, 4], data: filled }, evenShares(5, 3));
    const { data } = await forward(way, padded);
    const expected = await forward(way, full);
    expect(maxError(data.subarray(0, expected.data.length), expected.data)).toBeLessThan(1e-5);
  });

  test('class-specific deltas are class-major; background has none', async () => {
    const c = {
      ...own,
      inputs: {
        deltas: floats([2, 8], [1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 1, 1, 1, 1, 1]),
        oneHot: floats([2, 2], [0, 1, 0, 0]),
      },
    };
    expectSame('own', await forward(way, c), floats([2, 4], [5, 6, 7, 8, 0, 0, 0, 0]));
  });

  test('class-agnostic deltas apply to every class', async () => {
    const c = {
      ...own,
      inputs: { deltas: values(7, [2, 4]), oneHot: floats([2, 2], [0, 1, 0, 0]) },
    };
    expectSame('own', await forward(way, c), values(7, [2, 4]));
  });
});

test('with the running statistics of a batch, inference equals training', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const { x, kernel, weight, bias, shares } = Object.fromEntries(
      Object.entries(full.inputs).map(([name, { data, shape }]) => [
        name,
        tf.tensor(data, shape as number[] as [number]),
      ]),
    ) as Norm;
    const conv = { weight: kernel };
    const trained = convBatchNormTraining(x, { conv, bn: { weight, bias, ...unused(4) } }, shares);
    const { mean, variance } = trained.moments;
    const bn = { weight, bias, running_mean: mean, running_var: variance };
    const inferred = convBatchNormInference(x, { conv, bn });
    expect(maxError(inferred.dataSync(), trained.y.dataSync())).toBeLessThan(1e-5);
    const convolved = tf.conv2d(x, kernel, 1, 'same').reshape([-1, 4]);
    const moments = tf.moments(convolved, 0);
    expect(maxError(mean.dataSync(), moments.mean.dataSync())).toBeLessThan(1e-6);
    expect(maxError(variance.dataSync(), moments.variance.dataSync())).toBeLessThan(1e-5);
    expect(BATCH_NORM_EPS).toBe(1e-5);
  });
});

test('names and shapes are those of mmdetection', () => {
  const shared = { channels: 4, roiSize: 7, numClasses: 3, classAgnostic: false };
  const shapes = (layers: typeof SHARED_2FC | typeof SHARED_4CONV_1FC): string[] =>
    listSpecs(boxHeadSpecs({ ...shared, ...layers })).map(
      ([path, { shape, trainable }]) => `${path} ${shape.join()}${trainable ? '' : ' fixed'}`,
    );
  const heads = [
    'fc_cls.weight 1024,4',
    'fc_cls.bias 4',
    'fc_reg.weight 1024,12',
    'fc_reg.bias 12',
  ];
  expect(shapes(SHARED_2FC)).toEqual([
    'shared_fcs.0.weight 7,7,4,1024',
    'shared_fcs.0.bias 1024',
    'shared_fcs.1.weight 1024,1024',
    'shared_fcs.1.bias 1024',
    ...heads,
  ]);
  expect(shapes(SHARED_4CONV_1FC)).toEqual([
    ...[0, 1, 2, 3].flatMap((i) => [
      `shared_convs.${i}.conv.weight 3,3,4,4`,
      `shared_convs.${i}.bn.weight 4`,
      `shared_convs.${i}.bn.bias 4`,
      `shared_convs.${i}.bn.running_mean 4 fixed`,
      `shared_convs.${i}.bn.running_var 4 fixed`,
    ]),
    'shared_fcs.0.weight 7,7,4,1024',
    'shared_fcs.0.bias 1024',
    ...heads,
  ]);
});
