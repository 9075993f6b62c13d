import { describe, expect, test } from 'vitest';
import { VARIANT_NAMES, VARIANTS } from '../../../backbone/variants.js';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { listSpecs } from '../../../engine/parameters/spec.js';
import { numParameters } from '../../../engine/parameters/store.js';
import { createUperNet, UPERNET } from '../../../models/upernet.js';
import { groupParameters } from '../../../train/parameter-groups.js';
import { SEGMENTATION_RECIPES } from '../../../train/recipes/index.js';

describe.each(Object.entries(SEGMENTATION_RECIPES))('%s', (_, recipe) => {
  const { specs } = createUperNet(createDenseBackbone(recipe.backbone), {
    ...recipe.head,
    numClasses: 150,
  });
  const trained = listSpecs(specs).filter(([, spec]) => spec.trainable);
  const groups = groupParameters(
    trained.map(([path, spec]) => ({ path, spec })),
    recipe,
  );
  const group = (path: string): (typeof groups)[number] => {
    const found = groups.find((g) => g.path === path);
    if (!found) throw new Error(`expected ${path}`);
    return found;
  };

  test('the rate falls from the heads to the stem, and GRN decays', () => {
    const n = recipe.layers.kind === 'stageWise' ? recipe.layers.numLayers : 0;
    const scale = (path: string): number => group(path).lrScale;
    expect(scale('backbone.downsample_layers.3.1.weight')).toBeCloseTo(0.9 ** (n + 1), 12);
    expect(scale('backbone.stages.0.0.pwconv1.weight')).toBeCloseTo(0.9 ** n, 12);
    expect(scale('backbone.stages.3.0.pwconv1.weight')).toBeCloseTo(0.9 ** (n - 3), 12);
    for (const path of ['backbone.norm0.weight', 'decode_head.conv_seg.weight'])
      expect(scale(path)).toBe(1);
    expect(group('backbone.stages.0.0.grn.gamma').decays).toBe(true);
    expect(group('decode_head.bottleneck.bn.weight').decays).toBe(false);
    expect(group('decode_head.bottleneck.conv.weight').decays).toBe(true);
  });

  test('crop, limits and window belong together', () => {
    const { geometry, evaluation } = recipe;
    expect(evaluation.window.cropSize).toBe(geometry.cropSize);
    expect(evaluation.limits).toEqual(geometry.scale);
  });
});

test('every size has a recipe for ADE20K', () => {
  const names = Object.keys(SEGMENTATION_RECIPES);
  for (const size of VARIANT_NAMES) {
    const recipe = SEGMENTATION_RECIPES[`ade20k-upernet-${size}`];
    expect(recipe.backbone).toEqual(VARIANTS[size]);
    expect(recipe.batchSize * recipe.accumulation).toBe(16);
  }
  expect(names).toHaveLength(VARIANT_NAMES.length + 3);
});

test.each([
  ['tiny', 60_289_004],
  ['base', 122_229_292],
  ['large', 235_184_300],
  ['huge', 706_807_020],
] as const)('%s has as many parameters as the original', (size, expected) => {
  const { specs } = createUperNet(createDenseBackbone(VARIANTS[size]), UPERNET);
  expect(numParameters(specs)).toBe(expected);
});
