import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { enlarge, maskHead, maskHeadSpecs } from '../../../heads/mask/mask-head.js';
import { listSpecs } from '../../../engine/parameters/spec.js';
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

type Deconv = { x: tf.Tensor4D; weight: tf.Tensor4D; bias: tf.Tensor1D };
type Head = Deconv & {
  conv: tf.Tensor4D;
  convBias: tf.Tensor1D;
  logits: tf.Tensor4D;
  logitsBias: tf.Tensor1D;
  oneHot: tf.Tensor2D;
};

const deconvolution = opCase<Deconv>({
  name: 'transposed convolution',
  inputs: { x: values(1, [2, 3, 2, 4]), weight: values(2, [2, 2, 3, 4]), bias: values(3, [3]) },
  op: ({ x, weight, bias }) => enlarge(x, { weight, bias }),
});

const head = opCase<Head>({
  name: 'mask head',
  inputs: {
    x: values(1, [2, 3, 2, 4]),
    conv: values(2, [3, 3, 4, 4], [0, 1]),
    convBias: values(3, [4], [8, 9]), // the ReLUs stay on one side of their kink
    weight: values(4, [2, 2, 4, 4], [0, 1]),
    bias: values(5, [4], [1, 2]),
    logits: values(6, [1, 1, 4, 3]),
    logitsBias: values(7, [3]),
    oneHot: floats([2, 3], [0, 0, 1, 1, 0, 0]),
  },
  differentiable: ['x', 'conv', 'convBias', 'weight', 'bias', 'logits', 'logitsBias'],
  op: ({ x, conv, convBias, weight, bias, logits, logitsBias, oneHot }) =>
    maskHead(
      {
        convs: [{ conv: { weight: conv, bias: convBias } }],
        upsample: { weight, bias },
        conv_logits: { weight: logits, bias: logitsBias },
      },
      x,
      oneHot,
    ),
});

describeOp([deconvolution, head]);

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('every cell becomes a block of four', async () => {
    const c = {
      ...deconvolution,
      inputs: {
        x: floats([1, 1, 2, 1], [1, 10]),
        weight: floats([2, 2, 1, 1], [1, 2, 3, 4]),
        bias: floats([1], [0.5]),
      },
    };
    const expected = floats([1, 2, 4, 1], [1.5, 2.5, 10.5, 20.5, 3.5, 4.5, 30.5, 40.5]);
    expectSame('y', await forward(way, c), expected);
  });
});

test('equals tfjs’s transposed convolution, whose weights have the same axes', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 5], 0, 1, 'float32', 1);
    const weight = tf.randomNormal<tf.Rank.R4>([2, 2, 6, 5], 0, 1, 'float32', 2);
    const ours = enlarge(x, { weight, bias: tf.zeros([6]) });
    const theirs = tf.conv2dTranspose(x, weight, [2, 6, 8, 6], 2, 'valid');
    expect(maxError(ours.dataSync(), theirs.dataSync())).toBeLessThan(1e-5);
  });
});

test('the mask of a class is that channel of all masks', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const given = Object.fromEntries(
      Object.entries(head.inputs).map(([name, { data, shape }]) => [
        name,
        tf.tensor(data, shape as number[] as [number]),
      ]),
    ) as Head;
    const params = {
      convs: [{ conv: { weight: given.conv, bias: given.convBias } }],
      upsample: { weight: given.weight, bias: given.bias },
      conv_logits: { weight: given.logits, bias: given.logitsBias },
    };
    const hidden = tf.relu(
      tf.conv2d(given.x, given.conv, 1, 'same').add<tf.Tensor4D>(given.convBias),
    );
    const enlarged = tf.relu(enlarge(hidden, params.upsample));
    const all = tf.conv2d(enlarged, given.logits, 1, 'same').add(given.logitsBias); // [2, 6, 4, 3]
    const own = maskHead(params, given.x, given.oneHot);
    const [first, second] = [
      all.slice([0, 0, 0, 2], [1, 6, 4, 1]),
      all.slice([1, 0, 0, 0], [1, 6, 4, 1]),
    ];
    const expected = tf.concat([first, second]).reshape([2, 6, 4]);
    expect(maxError(own.dataSync(), expected.dataSync())).toBeLessThan(1e-4);
  });
});

test('names and shapes are those of mmdetection', () => {
  const specs = maskHeadSpecs({ numConvs: 2, channels: 4, numClasses: 3 });
  expect(
    listSpecs(specs).map(([path, { shape, layout }]) => `${path} ${shape.join()} ${layout}`),
  ).toEqual([
    'convs.0.conv.weight 3,3,4,4 conv',
    'convs.0.conv.bias 4 vector',
    'convs.1.conv.weight 3,3,4,4 conv',
    'convs.1.conv.bias 4 vector',
    'upsample.weight 2,2,4,4 convTranspose',
    'upsample.bias 4 vector',
    'conv_logits.weight 1,1,4,3 conv',
    'conv_logits.bias 3 vector',
  ]);
});
