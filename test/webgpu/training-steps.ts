import * as tf from '@tensorflow/tfjs';
import { createBackbone } from '../../backbone/convnextv2.js';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { adaptiveAveragePool } from '../../engine/ops/adaptive-pool.js';
import { batchNormReluTraining } from '../../engine/ops/batch-norm.js';
import { sameConv } from '../../engine/ops/conv.js';
import {
  crossEntropySum,
  l1,
  sigmoidCrossEntropy,
  smoothL1,
  softTargetCrossEntropy,
} from '../../engine/ops/losses.js';
import { resizeBilinear, upsampleNearest2 } from '../../engine/ops/resize.js';
import { convSpecs, normSpecs } from '../../engine/parameters/layers.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { Initializer } from '../../engine/parameters/spec.js';
import type { HostTensor, Program } from '../../engine/runtime/program.js';
import { createClassifier } from '../../models/classifier.js';
import { createUperNet } from '../../models/upernet.js';
import { detectorSteps } from './detector-steps.js';
import { random, trainingStep, type TrainingStep } from './training-step.js';

const BACKBONE = { depths: [1, 1, 2, 1], dims: [4, 8, 12, 16] } as const;
const NUM_BLOCKS = 5;
const INIT: Initializer = { kind: 'constant', value: 0 };
const EPS = 1e-5;

// Not square, and not a multiple of the last stride: rows and columns must not be mixed up.
const IMAGE = random(1, [2, 40, 72, 3]);
/** Sides are multiples of 32, as dense prediction wants them. */
const LARGE_IMAGE = random(5, [2, 32, 64, 3]);
const TARGETS: HostTensor = { shape: [2, 3], data: Float32Array.of(1, 0, 0, 0.1, 0.2, 0.7) };
/** Keeps the second of two samples in every block. */
const DROP_PATH: HostTensor = {
  shape: [NUM_BLOCKS, 2],
  data: Float32Array.from({ length: 2 * NUM_BLOCKS }, (_, i) => (i % 2) * 1.25),
};

function classifier(responseNorm: ConvNeXtV2Config['responseNorm']): TrainingStep {
  const { training, specs } = createClassifier({
    backbone: { ...BACKBONE, responseNorm },
    classes: 3,
    headInitScale: 1,
  });
  return trainingStep({
    name: `classifier, response norm ${responseNorm}`,
    program: training,
    specs,
    inputs: { image: IMAGE, targets: TARGETS, dropPath: DROP_PATH },
    differentiable: ['image'],
  });
}

function denseBackbone(): TrainingStep {
  const { specs, features } = createDenseBackbone({ ...BACKBONE, responseNorm: 'grn' });
  const program: Program = {
    name: 'dense backbone',
    forward: (params, { image, dropPath }) => {
      const levels = features(params, image as tf.Tensor4D, { dropPath: dropPath as tf.Tensor2D });
      const terms = Object.values(levels).map((level: tf.Tensor) => level.square().mean());
      return { ...levels, loss: tf.addN(terms) };
    },
  };
  const inputs = { image: IMAGE, dropPath: DROP_PATH };
  return trainingStep({ name: program.name, program, specs, inputs, differentiable: ['image'] });
}

/** The operations that only heads use, in one program. */
function headOperations(): TrainingStep {
  const specs = {
    // Without bias: the batch norm after it takes it away, and its gradient is rounding only.
    conv: { weight: convSpecs(3, 3, 8, INIT).weight },
    batch: normSpecs(8),
    fuse: convSpecs(3, 8, 4, INIT),
  };
  const program: Program = {
    name: 'operations of heads',
    forward: ({ conv, batch, fuse }: TensorTree<typeof specs>, inputs) => {
      const wide = sameConv(inputs['image'] as tf.Tensor4D, conv); // [2, 12, 20, 8]
      const { y } = batchNormReluTraining(wide, batch, EPS);
      const small = resizeBilinear(y, [5, 7]); // [2, 5, 7, 8]
      const large = upsampleNearest2(resizeBilinear(small, [6, 10])); // [2, 12, 20, 8]
      const fused = sameConv(large.add(y), fuse); // [2, 12, 20, 4]
      const rows = adaptiveAveragePool(fused, 3).reshape<tf.Tensor2D>([18, 4]);
      const [a, b] = tf.split(rows, [3, 1], 1) as [tf.Tensor2D, tf.Tensor2D]; // [18, 3], [18, 1]
      const joined = tf.concat([b, a], 1); // [18, 4]
      const targets = inputs['rows'];
      const terms = [
        sigmoidCrossEntropy(joined, targets.abs().minimum(1)).sum(),
        smoothL1(joined, targets, 0.5).sum(),
        l1(joined.sigmoid(), targets).sum(),
        crossEntropySum(joined, inputs['labels'] as tf.Tensor1D),
        softTargetCrossEntropy(a.slice([0, 0], [2, 3]), inputs['targets'] as tf.Tensor2D),
      ];
      return { fused, pooled: rows, loss: tf.addN(terms) };
    },
  };
  const labels = Int32Array.from({ length: 18 }, (_, i) => (i === 7 ? 255 : i % 4));
  const inputs = {
    image: random(4, [2, 12, 20, 3]),
    targets: TARGETS,
    rows: random(3, [18, 4]),
    labels: { shape: [18], data: labels },
  };
  return trainingStep({ name: program.name, program, specs, inputs, differentiable: ['image'] });
}

function uperNet(): TrainingStep {
  const backbone = createBackbone({ ...BACKBONE, responseNorm: 'grn' });
  const { training, specs } = createUperNet(backbone, {
    numClasses: 3,
    channels: 8,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 4, weight: 0.4 },
  });
  const [n, h, w] = LARGE_IMAGE.shape;
  const labels = Int32Array.from({ length: n * h * w }, (_, i) => (i % 7 === 0 ? 255 : i % 3));
  return trainingStep({
    name: 'UPerNet',
    program: training,
    specs,
    inputs: { image: LARGE_IMAGE, labels: { shape: [n, h, w], data: labels }, dropPath: DROP_PATH },
    differentiable: ['image'],
  });
}

/** One line for every model that can be trained, for the checks of the backends that most machines lack. */
export const TRAINING_STEPS: readonly TrainingStep[] = [
  classifier('grn'),
  classifier('none'),
  denseBackbone(),
  headOperations(),
  uperNet(),
  ...detectorSteps(createDenseBackbone({ ...BACKBONE, responseNorm: 'grn' }), LARGE_IMAGE),
];
