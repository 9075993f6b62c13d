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
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../../engine/op-case.js';

type Own = { deltas: tf.Tensor2D; oneHot: tf.Tensor2D };

const own = opCase<Own>({
  name: 'deltas of the own class',
  inputs: { deltas: values(1, [3, 8]), oneHot: floats([3, 2], [0, 1, 1, 0, 0, 0]) },
  differentiable: ['deltas'],
  op: ({ deltas, oneHot }) => tf.tidy(() => deltasOfClass(deltas, oneHot).clone()),
});

describeOp([own]);

describe.each(WAYS)('%s', (way) => {
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
