import { expect, test } from 'vitest';
import { VARIANTS } from '../../../backbone/variants.js';
import {
  GRN_FINETUNING_RECIPES,
  GRN_PRETRAINING_RECIPES,
} from '../../../train/recipes/grn-ablations.js';

const NAMES = [
  ...['no-grn', 'grn-average', 'grn-l1', 'grn-standardize', 'grn-inverse-sum', 'grn-no-skip'],
  ...['affine', 'aggregation-only', 'lrn', 'batch-norm', 'layer-norm'],
];

test('every ablation is pre-trained and fine-tuned with the same network, Base', () => {
  expect(Object.keys(GRN_PRETRAINING_RECIPES)).toEqual(NAMES.map((name) => `fcmae-base-${name}`));
  for (const name of NAMES) {
    const { fcmae, epochs } = GRN_PRETRAINING_RECIPES[`fcmae-base-${name}`];
    expect(GRN_FINETUNING_RECIPES[`imagenet-base-1k-${name}`].backbone).toEqual(fcmae.backbone);
    expect(fcmae.backbone.dims).toEqual(VARIANTS.base.dims);
    expect(epochs).toBe(800);
  }
});

test('the ablations differ from each other', () => {
  const backbones = NAMES.map((name) =>
    JSON.stringify(GRN_PRETRAINING_RECIPES[`fcmae-base-${name}`].fcmae.backbone),
  );
  expect(new Set([...backbones, JSON.stringify(VARIANTS.base)]).size).toBe(NAMES.length + 1);
});

test('dropped and added at fine-tuning', () => {
  const dropped = GRN_FINETUNING_RECIPES['imagenet-base-1k-grn-dropped'];
  const added = GRN_FINETUNING_RECIPES['imagenet-base-1k-grn-added'];
  expect([dropped.backbone.responseNorm, added.backbone.responseNorm]).toEqual(['none', 'grn']);
  expect([dropped.adaptsResponseNorm, added.adaptsResponseNorm]).toEqual([true, true]);
});
