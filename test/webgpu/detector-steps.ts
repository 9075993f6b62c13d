import type { Backbone } from '../../engine/backbone.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { CASCADE_MASK_RCNN, createCascade } from '../../models/cascade.js';
import { createMaskRcnn, MASK_RCNN } from '../../models/mask-rcnn.js';
import { random, trainingStep, type StepParts, type TrainingStep } from './training-step.js';

const CHANNELS = 8;
const NUM_CLASSES = 3;
const NUM_ANCHORS = MASK_RCNN.rpn.anchors.ratios.length;
const ROIS = 6;
const SIDE = 3;
const SIZES = {
  channels: CHANNELS,
  numClasses: NUM_CLASSES,
  boxRoiSize: SIDE,
  masks: { roiSize: SIDE, numConvs: 2 },
} as const;

const ones = (shape: readonly number[]): HostTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1),
});
const rounded = (values: HostTensor): HostTensor => ({
  ...values,
  data: Float32Array.from(values.data, (value) => Number(value > 0)),
});
const SCALE: HostTensor = { shape: [1], data: Float32Array.of(0.25) };
/** Background is K; the last row is no region. */
const LABELS: HostTensor = { shape: [ROIS], data: Int32Array.of(0, 2, 3, 1, 3, -1) };
/** 1 for rows with an object. */
const POSITIVES: HostTensor = { shape: [ROIS], data: Float32Array.of(1, 1, 0, 1, 0, 0) };
const ONE_HOT: HostTensor = {
  shape: [ROIS, NUM_CLASSES],
  data: Float32Array.from({ length: ROIS * NUM_CLASSES }, (_, i) =>
    Number(i % NUM_CLASSES === Math.floor(i / NUM_CLASSES) % NUM_CLASSES),
  ),
};
const boxes = Array.from({ length: ROIS }, (_, i) => [i, 2 * i, 20 + 3 * i, 30 + i]).flat();
const BOXES: HostTensor = { shape: [ROIS, 4], data: Float32Array.from(boxes) };
const MOVED: HostTensor = {
  shape: [ROIS, 4],
  data: Float32Array.from(boxes, (value, i) => value + (i % 3)),
};
const FEATURES = random(11, [ROIS, SIDE, SIDE, CHANNELS]);

/** Every position of the real regions weighs the same. */
const FRACTIONS: HostTensor = {
  shape: [1, ROIS * SIDE * SIDE],
  data: Float32Array.from({ length: ROIS * SIDE * SIDE }, (_, i) =>
    i < (ROIS - 1) * SIDE * SIDE ? 1 / ((ROIS - 1) * SIDE * SIDE) : 0,
  ),
};

/** Inputs of every box head. */
const BOX_INPUTS: HostTensors = {
  features: FEATURES,
  labels: LABELS,
  targets: random(12, [ROIS, 4]),
  targetWeights: POSITIVES,
  references: BOXES,
  scale: SCALE,
};

function parts(backbone: Backbone, image: HostTensor): readonly StepParts[] {
  const mask = createMaskRcnn(backbone, {
    ...MASK_RCNN,
    ...SIZES,
    stages: [{ ...MASK_RCNN.stages[0], layers: { numConvs: 0, numFcs: 2, fcChannels: 8 } }],
  });
  const cascade = createCascade(backbone, {
    ...CASCADE_MASK_RCNN,
    ...SIZES,
    stages: CASCADE_MASK_RCNN.stages.map((stage) => ({
      ...stage,
      layers: { numConvs: 2, numFcs: 1, fcChannels: 8 },
    })),
  });
  const [n, height, width] = image.shape;
  const pyramid = [4, 8, 16, 32].map((stride, i): [string, HostTensor] => [
    `gradient:p${i + 2}`,
    random(20 + i, [n, height / stride, width / stride, CHANNELS]),
  ]);
  const rpnRows = 5;
  const own = { specs: mask.specs, differentiable: ['features'] };
  return [
    {
      name: 'detector: features and proposals',
      program: mask.features,
      specs: mask.specs,
      inputs: { image },
      differentiable: null,
    },
    {
      name: 'detector: gradients of the features',
      program: mask.featureGradients,
      specs: mask.specs,
      inputs: { image, ...Object.fromEntries(pyramid) },
      differentiable: ['image'],
      prefix: 'backbone.',
    },
    {
      name: 'detector: RPN loss',
      program: mask.rpnTraining,
      specs: mask.specs,
      inputs: {
        patches: random(30, [rpnRows, 9 * CHANNELS]),
        labels: rounded(random(31, [rpnRows, NUM_ANCHORS])),
        labelWeights: ones([rpnRows, NUM_ANCHORS]),
        deltas: random(32, [rpnRows, 4 * NUM_ANCHORS]),
        deltaWeights: rounded(random(33, [rpnRows, 4 * NUM_ANCHORS])),
        scale: SCALE,
      },
      differentiable: ['patches'],
      prefix: 'rpn_head.',
    },
    {
      ...own,
      name: 'Mask R-CNN: box head',
      program: mask.boxStages[0].training,
      inputs: BOX_INPUTS,
      prefix: mask.boxStages[0].prefix,
    },
    {
      ...own,
      name: 'Mask R-CNN: mask head',
      program: mask.maskStages[0].training,
      inputs: {
        features: FEATURES,
        oneHot: ONE_HOT,
        targets: rounded(random(13, [ROIS, 2 * SIDE, 2 * SIDE])),
        weights: POSITIVES,
        scale: SCALE,
      },
      prefix: mask.maskStages[0].prefix,
    },
    {
      name: 'Cascade Mask R-CNN: box head of the second stage',
      program: cascade.boxStages[1].training,
      specs: cascade.specs,
      inputs: { ...BOX_INPUTS, targets: MOVED, fractions: FRACTIONS },
      differentiable: ['features'],
      prefix: cascade.boxStages[1].prefix,
    },
  ];
}

/**
 * The programs of detectors, between which the host samples and aligns regions.
 *
 * @param image `[N, H, W, 3]`, sides multiples of 32
 */
export function detectorSteps(backbone: Backbone, image: HostTensor): readonly TrainingStep[] {
  return parts(backbone, image).map((each) => trainingStep(each));
}
