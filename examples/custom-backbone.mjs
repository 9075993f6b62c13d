// Trains a classifier on a backbone that is no ConvNeXt: four strided convolutions. Run own-classifier.mjs first.
// node examples/custom-backbone.mjs [folder]
import * as tf from '@tensorflow/tfjs-core';
import { train } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const channels = [16, 24, 32, 48];

/** Weight `[k, k, in, out]` and bias `[out]` of a convolution, by the names that a checkpoint has. */
function conv(kernel, inputs, outputs) {
  const std = Math.sqrt(2 / (kernel * kernel * inputs));
  return {
    weight: {
      shape: [kernel, kernel, inputs, outputs],
      layout: 'conv',
      init: { kind: 'normal', std },
      trainable: true,
    },
    bias: {
      shape: [outputs],
      layout: 'vector',
      init: { kind: 'constant', value: 0 },
      trainable: true,
    },
  };
}

/** Backbone as heads see it: parameters, channels of c2 … c5, and the maps at strides 4, 8, 16, 32. */
const backbone = {
  specs: {
    layers: channels.map((c, i) => conv(i === 0 ? 4 : 2, i === 0 ? 3 : channels[i - 1], c)),
  },
  channels,
  numBlocks: 0, // no residual blocks, so nothing for drop path to drop
  features({ layers }, image) {
    const maps = [];
    let x = image;
    layers.forEach(({ weight, bias }, i) => {
      x = tf.relu(tf.add(tf.conv2d(x, weight, i === 0 ? 4 : 2, 'valid'), bias));
      maps.push(x);
    });
    const [c2, c3, c4, c5] = maps;
    return { c2, c3, c4, c5 };
  },
};

const inputSize = 64;
const { metrics } = await train('classify', {
  data: `${out}/classes`,
  folder: `${out}/own-backbone`,
  backbone,
  report: false,
  config: { epochs: 2, warmupEpochs: 1, training: { inputSize }, evaluation: { inputSize } },
});
console.log(metrics);
