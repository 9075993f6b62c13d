import { describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { VARIANT_NAMES, VARIANTS } from '../../../backbone/variants.js';
import { listSpecs } from '../../../engine/parameters/spec.js';
import { numParameters } from '../../../engine/parameters/store.js';
import { createDetector } from '../../../models/detector.js';
import type { DetectionConfig } from '../../../train/config/detect.js';
import { groupParameters } from '../../../train/parameter-groups.js';
import { DETECTION_RECIPES } from '../../../train/recipes/index.js';
import { learningRate } from '../../../train/schedule.js';

const specsOf = ({
  backbone,
  detector,
}: DetectionConfig): ReturnType<typeof createDetector>['specs'] =>
  createDetector(createDenseBackbone(backbone), { ...detector, numClasses: 80 })
    .specs as unknown as ReturnType<typeof createDetector>['specs'];

describe.each(Object.entries(DETECTION_RECIPES))('%s', (name, recipe) => {
  const trained = listSpecs(specsOf(recipe)).filter(([, spec]) => spec.trainable);
  const groups = new Map(
    groupParameters(
      trained.map(([path, spec]) => ({ path, spec })),
      recipe,
    ).map((group) => [group.path, group]),
  );

  test('heads and output norms learn at the full rate, the stem at the lowest; GRN does not decay', () => {
    const scale = (path: string): number => groups.get(path)?.lrScale ?? NaN;
    for (const path of ['backbone.norm0.weight', 'neck.lateral_convs.0.conv.weight'])
      expect(scale(path)).toBe(1);
    const { layers } = recipe;
    const stem = layers.kind === 'layerWise' ? layers.layerDecay ** (layers.numLayers + 1) : 1;
    expect(scale('backbone.downsample_layers.0.0.weight')).toBeCloseTo(stem, 12);
    expect(groups.get('backbone.stages.0.0.grn.gamma')?.decays).toBe(false);
    expect(groups.get('rpn_head.rpn_conv.weight')?.weightDecay).toBe(0.05);
    expect(groups.get('rpn_head.rpn_conv.bias')?.weightDecay).toBe(0);
  });

  test('test proposals come from the configuration of training', () => {
    const { rpn } = recipe.detector;
    expect(rpn.testProposals.coder).toEqual(rpn.coder);
    expect(rpn.trainProposals.coder).toEqual(rpn.coder);
    expect(recipe.evaluation.limits.long).toBeGreaterThan(recipe.evaluation.limits.short);
  });

  test('recipes of the papers have their batch, length, rate and drop path', () => {
    if (!name.startsWith('coco-')) return expect(recipe.epochs).toBeLessThan(36);
    const isV2 = name.startsWith('coco-mask-rcnn-') && !name.endsWith('-ms');
    expect(recipe.batchSize * recipe.accumulation).toBe(isV2 ? 32 : 16);
    expect([recipe.epochs, recipe.decay]).toEqual([
      36,
      { kind: 'multiStep', milestones: [27, 33], gamma: 0.1 },
    ]);
    expect(recipe.training.kind).toBe(isV2 ? 'largeScaleJitter' : 'multiScale');
    expect(recipe.evaluation.thresholds.suppression.kind).toBe(isV2 ? 'soft' : 'hard');
    expect(recipe.detector.stages).toHaveLength(name.startsWith('coco-cascade-') ? 3 : 1);
    expect(recipe.evaluation.limits).toEqual({ long: 1333, short: 800 });
  });
});

test('every size has a Mask R-CNN recipe', () => {
  for (const size of VARIANT_NAMES)
    expect(DETECTION_RECIPES[`coco-mask-rcnn-${size}`].backbone).toEqual(VARIANTS[size]);
});

test('warm-ups: mmengine reaches the full rate at iteration 999, mmcv at 500', () => {
  const at = (name: string, step: number): number => {
    const { lr, decay, warmup } = DETECTION_RECIPES[name];
    if (decay.kind !== 'multiStep') throw new Error('expected steps');
    return learningRate({ ...decay, lr, warmup }, { step, epoch: step / 3665 });
  };
  expect(at('coco-mask-rcnn-base', 0)).toBeCloseTo(1e-7, 15);
  expect(at('coco-mask-rcnn-base', 998)).toBeLessThan(1e-4);
  expect(at('coco-mask-rcnn-base', 999)).toBe(1e-4);
  expect(at('coco-mask-rcnn-base', 27 * 3665)).toBeCloseTo(1e-5, 15);
  expect(at('coco-cascade-tiny', 500)).toBe(2e-4);
});

test.each([
  ['tiny', 48_141_744],
  ['base', 108_091_376],
  ['large', 217_065_072],
  ['huge', 678_734_512],
] as const)('%s has as many parameters as the original', (size, expected) => {
  expect(numParameters(specsOf(DETECTION_RECIPES[`coco-mask-rcnn-${size}`]))).toBe(expected);
});
