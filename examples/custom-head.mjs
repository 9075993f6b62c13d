// Trains a head of one's own on ConvNeXt V2 features: one number per image, here its mean brightness.
// node examples/custom-head.mjs
import * as tf from '@tensorflow/tfjs-core';
import { createBackbone, openEngine, ParameterStore, Random } from 'convnextv2';

const config = { depths: [1, 1, 1, 1], dims: [8, 16, 24, 32], responseNorm: 'grn' };
const backbone = createBackbone({ ...config, initialWeights: 'fanIn' });
const parameter = (layout, shape, std) => {
  const init = std === 0 ? { kind: 'constant', value: 0 } : { kind: 'normal', std };
  return { layout, shape, init, trainable: true };
};
const specs = {
  ...backbone.specs,
  head: {
    weight: parameter('linear', [config.dims[3], 1], 0.1),
    bias: parameter('vector', [1], 0),
  },
};
const store = new ParameterStore(specs);
store.initialize(0);

/** A pure function of parameters and inputs; it is traced once and then runs as one ONNX graph, gradients included. */
const program = {
  name: 'brightness',
  forward(params, { image, target }) {
    const { c5 } = backbone.features(params, image);
    const pooled = tf.mean(c5, [1, 2]); // [N, C]
    const value = tf.add(tf.matMul(pooled, params.head.weight), params.head.bias); // [N, 1]
    return { loss: tf.mean(tf.square(tf.sub(value, target))), value };
  },
};
const engine = await openEngine();
const gradient = new Float32Array(store.values.length);
const step = engine.prepare(program, store, { gradients: { of: 'loss', into: gradient } });

const random = new Random(1);
const [n, side] = [8, 32];
const losses = [];
for (let i = 0; i < 60; i++) {
  const target = Float32Array.from({ length: n }, () => random.between(-1, 1));
  const pixels = new Float32Array(n * side * side * 3);
  pixels.forEach((_, at) => {
    pixels[at] = target[Math.floor(at / (side * side * 3))] + random.between(-0.3, 0.3);
  });
  const { loss } = await step.run({
    image: { shape: [n, side, side, 3], data: pixels },
    target: { shape: [n, 1], data: target },
  });
  losses.push(loss.data[0]);
  const norm = Math.max(1, Math.hypot(...gradient.values()));
  for (let at = 0; at < gradient.length; at++) store.values[at] -= (0.1 / norm) * gradient[at];
}
await step.release();
console.log(`${engine.description}: loss ${losses[0].toFixed(3)} → ${losses.at(-1).toFixed(3)}`);
if (!(losses.at(-1) < losses[0] / 2)) throw new Error('expected the head to learn');
