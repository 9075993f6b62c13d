import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { pyramidAnchors, usableAnchors } from '../../../core/anchors.js';
import { rpnTargets } from '../../../core/matcher-rpn.js';
import { Random } from '../../../core/random.js';
import { l1, sigmoidCrossEntropy } from '../../../engine/ops/losses.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { TensorTree } from '../../../engine/parameters/tensors.js';
import type { HostTensor, Program } from '../../../engine/runtime/program.js';
import { everySecond } from '../../../heads/fpn.js';
import type { FeatureMaps } from '../../../heads/roi/feature-maps.js';
import { anchorLevelSizes, pyramidShape } from '../../../heads/roi/feature-maps.js';
import { rpn, type RpnSpecs } from '../../../heads/rpn/rpn-head.js';
import { scatterPatches } from '../../../heads/rpn/rpn-rows.js';
import { RpnStep } from '../../../train/detect/rpn-step.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { TINY_CONFIG, tinyDetector, tinyStore } from './tiny-detector.js';

const CHANNELS = TINY_CONFIG.channels;
const SHAPE = pyramidShape([
  [2, 16, 24, CHANNELS],
  [2, 8, 12, CHANNELS],
  [2, 4, 6, CHANNELS],
  [2, 2, 3, CHANNELS],
]);
const IMAGES = [
  { width: 96, height: 64, boxes: Float32Array.of(4, 4, 40, 30, 20, 10, 90, 60) },
  { width: 80, height: 50, boxes: new Float32Array(0) },
];
const draw = (image: number): Random => new Random(3, image);

interface RpnOnly {
  readonly [key: string]: RpnSpecs;
  readonly rpn_head: RpnSpecs;
}

/** The loss on whole maps, by autodiff: nothing about it is sparse but the weights. */
const dense: Program = {
  name: 'dense rpn',
  forward: (params: TensorTree<RpnOnly>, inputs) => {
    const maps = [0, 1, 2, 3].map((i) => inputs[`map${i}`] as tf.Tensor4D);
    const levels = [...maps, everySecond(maps[3])].map((level) => rpn(params.rpn_head, level));
    const join = (name: 'objectness' | 'deltas', width: number): tf.Tensor =>
      tf.concat(
        levels.map((level) => level[name].reshape([2, -1, width])),
        1,
      );
    const objectness = join('objectness', 1).reshape([2, -1]);
    const classes = sigmoidCrossEntropy(objectness, inputs['labels']).mul(inputs['labelWeights']);
    const boxes = l1(join('deltas', 4), inputs['deltas']).mul(inputs['deltaWeights']);
    return { loss: classes.sum().add(boxes.sum()).mul(inputs['scale']).sum() };
  },
};

describe.each(['compiled', 'compiled portable', 'eager cpu'] as const)('%s', (runtime) => {
  test('the gradient from sampled cells equals that of whole maps', async () => {
    const engine = await engineOf(runtime);
    const model = tinyDetector();
    const store = tinyStore(model);
    const gradients = new Float32Array(store.values.length);
    const random = new Random(1);
    const maps: FeatureMaps = {
      ...SHAPE,
      maps: SHAPE.levels.map(({ width, height }) =>
        Float32Array.from({ length: 2 * width * height * CHANNELS }, () => random.between(-1, 1)),
      ),
    };
    const step = new RpnStep({ engine, model, store, gradients, communicator: SINGLE_PROCESS });
    const { classLosses, boxLosses, rows, patchGradient } = await step.run(
      maps,
      step.targetsOf(maps, IMAGES, draw),
    );
    const mapGradients = { ...maps, maps: maps.maps.map((map) => new Float32Array(map.length)) };
    scatterPatches(rows, patchGradient, mapGradients);

    const sizes = anchorLevelSizes(SHAPE);
    const { rpn: config } = TINY_CONFIG;
    const anchors = pyramidAnchors(sizes, config.anchors);
    const count = anchors.length / 4;
    const floats = (width: number): Float32Array => new Float32Array(2 * count * width);
    const [labels, labelWeights, deltas, deltaWeights] = [
      floats(1),
      floats(1),
      floats(4),
      floats(4),
    ];
    let numSampled = 0;
    IMAGES.forEach((image, n) => {
      const usable = usableAnchors(anchors, sizes, config.anchors, {
        padded: { width: 96, height: 64 },
        image,
        allowedBorderPx: -1,
      });
      const targets = rpnTargets(anchors, usable, image.boxes, config, draw(n));
      numSampled += targets.numSampled;
      for (const anchor of targets.negatives) labelWeights[n * count + anchor] = 1;
      targets.positives.forEach((anchor, i) => {
        const at = n * count + anchor;
        labels[at] = labelWeights[at] = 1;
        deltas.set(targets.deltas.subarray(4 * i, 4 * i + 4), 4 * at);
        deltaWeights.fill(1, 4 * at, 4 * at + 4);
      });
      expect(targets.positives.length > 0).toBe(n === 0);
    });

    const rpnStore = new ParameterStore({ rpn_head: model.specs.rpn_head });
    for (const { path } of rpnStore.entries) rpnStore.get(path).set(store.get(path));
    const into = new Float32Array(rpnStore.values.length);
    const names = [0, 1, 2, 3].map((i) => `map${i}`);
    const program = engine.prepare(dense, rpnStore, {
      gradients: { of: 'loss', into, inputs: names },
    });
    const outputs = await program.run({
      ...Object.fromEntries(
        maps.maps.map((data, i): [string, HostTensor] => {
          const { width, height } = SHAPE.levels[i];
          return [`map${i}`, { shape: [2, height, width, CHANNELS], data }];
        }),
      ),
      labels: { shape: [2, count], data: labels },
      labelWeights: { shape: [2, count], data: labelWeights },
      deltas: { shape: [2, count, 4], data: deltas },
      deltaWeights: { shape: [2, count, 4], data: deltaWeights },
      scale: { shape: [1], data: Float32Array.of(1 / numSampled) },
    });
    const sparseLoss = [...classLosses, ...boxLosses].reduce((a, b) => a + b);
    expect(sparseLoss).toBeCloseTo(outputs['loss'].data[0], 5);
    mapGradients.maps.forEach((map, i) =>
      expectGradient(`map ${i}`, map, outputs[`grad:map${i}`].data, 1e-5),
    );
    for (const entry of rpnStore.entries) {
      const sparse = store.view(store.entry(entry.path), gradients);
      expectGradient(entry.path, sparse, rpnStore.view(entry, into), 1e-5);
    }
    await step.release();
    await program.release();
  });
});

test('a detector has other parameters than the RPN, and they get no gradient here', async () => {
  const model = tinyDetector();
  const store = tinyStore(model);
  const gradients = new Float32Array(store.values.length).fill(NaN);
  const step = new RpnStep({
    engine: await engineOf('compiled'),
    model,
    store,
    gradients,
    communicator: SINGLE_PROCESS,
  });
  const maps = {
    ...SHAPE,
    maps: SHAPE.levels.map(({ width, height }) => new Float32Array(2 * width * height * CHANNELS)),
  };
  await step.run(maps, step.targetsOf(maps, IMAGES, 'inOrder'));
  for (const entry of store.entries) {
    const isRpn = entry.path.startsWith('rpn_head.');
    expect(store.view(entry, gradients).every(Number.isFinite), entry.path).toBe(isRpn);
  }
  await step.release();
});
