import { expect, test } from 'vitest';
import { VARIANT_NAMES, VARIANTS } from '../../../backbone/variants.js';
import { convNeXtV2Specs } from '../../../backbone/convnextv2.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { ClassificationConfig } from '../../../train/config/classify.js';
import { groupParameters } from '../../../train/parameter-groups.js';
import { GRN_FINETUNING_RECIPES } from '../../../train/recipes/grn-ablations.js';
import { RECIPES } from '../../../train/recipes/index.js';

const recipe = (name: string): ClassificationConfig => {
  const found = RECIPES[name];
  if (found?.task !== 'classify') throw new Error(`no recipe ${name}`);
  return found;
};

/** The columns of the paper's tables. */
const columns = (name: string): readonly unknown[] => {
  const { lr, weightDecay, layers, warmupEpochs, epochs, labelSmoothing, training } = recipe(name);
  const { batchSize, accumulation, dropPathRate, emaDecay, headInitScale } = recipe(name);
  if (training.kind !== 'training') throw new Error('expected a training transform');
  const { mixupAlpha, cutmixAlpha } = training.mix ?? { mixupAlpha: NaN, cutmixAlpha: NaN };
  const decay = layers.kind === 'uniform' ? null : layers.layerDecay;
  return [
    ...[batchSize * accumulation, lr, weightDecay, layers.kind, decay, warmupEpochs, epochs],
    ...[labelSmoothing, mixupAlpha, cutmixAlpha, dropPathRate, headInitScale, emaDecay],
  ];
};

// batch, peak rate, weight decay, layer decay, warm-up, epochs, smoothing, mixup, CutMix, drop path, head scale, EMA
test.each([
  ['atto-1k', 1024, 8e-4, 0.3, 'single', 0.9, 0, 600, 0.2, 0, 0, 0.1, 0.001, 0.9999],
  ['femto-1k', 1024, 8e-4, 0.05, 'single', 0.9, 0, 600, 0.2, 0.3, 0.3, 0, 0.001, 0.9999],
  ['pico-1k', 1024, 8e-4, 0.3, 'single', 0.9, 0, 600, 0.2, 0.3, 0.3, 0, 0.001, 0.9999],
  ['nano-1k', 1024, 8e-4, 0.3, 'single', 0.9, 0, 600, 0.2, 0.5, 0.5, 0.1, 0.001, 0.9999],
  ['tiny-1k', 1024, 3.2e-3, 0.05, 'single', 0.9, 40, 300, 0.1, 0.8, 1, 0.2, 0.001, 0.9999],
  ['base-1k', 1024, 2.5e-3, 0.05, 'group', 0.6, 20, 100, 0.1, 0.8, 1, 0.1, 0.001, 0.9999],
  ['large-1k', 1024, 2.5e-3, 0.05, 'group', 0.6, 20, 100, 0.1, 0.8, 1, 0.2, 0.001, 0.9999],
  ['huge-1k', 1024, 5e-3, 0.05, 'single', 0.75, 10, 50, 0.1, 0.8, 1, 0.3, 0.001, 0.9999],
  ['nano-22k', 4096, 4e-3, 0.05, 'single', 0.9, 5, 90, 0.1, 0.8, 1, 0, 0.001, null],
  ['tiny-22k', 4096, 4e-3, 0.05, 'single', 0.9, 5, 90, 0.1, 0.8, 1, 0, 0.001, null],
  ['base-22k', 4096, 4e-3, 0.05, 'single', 0.8, 5, 90, 0.1, 0.8, 1, 0.1, 0.001, null],
  ['large-22k', 4096, 4e-3, 0.05, 'single', 0.8, 5, 90, 0.1, 0.8, 1, 0.1, 0.001, null],
  ['huge-22k', 4096, 4e-3, 0.05, 'single', 0.8, 5, 90, 0.1, 0.8, 1, 0.3, 0.001, null],
  ['nano-22k-1k', 512, 5e-5, 1e-8, 'single', 0.9, 0, 90, 0.1, 0, 0, 0.1, 0.001, 0.9999],
  ['tiny-22k-1k-384', 512, 5e-5, 1e-8, 'single', 0.9, 0, 90, 0.1, 0, 0, 0.1, 0.001, 0.9999],
  ['base-22k-1k', 512, 5e-5, 1e-8, 'single', 0.8, 0, 30, 0.1, 0, 0, 0.2, 0.001, 0.9999],
  ['large-22k-1k-384', 512, 5e-5, 1e-8, 'single', 0.8, 0, 30, 0.1, 0, 0, 0.3, 0.001, 0.9999],
  ['huge-22k-1k-384', 512, 5e-5, 1e-8, 'single', 0.85, 0, 30, 0.1, 0, 0, 0.5, 0.001, null],
  ['huge-22k-1k-512', 512, 5e-5, 1e-8, 'single', 0.85, 0, 30, 0.1, 0, 0, 0.5, 0.001, null],
  ['tiny-1k-supervised', 4096, 4e-3, 0.05, 'uniform', null, 20, 300, 0.1, 0.8, 1, 0.1, 1, 0.9999],
])('imagenet-%s has the numbers of the tables', (name, ...expected) => {
  expect(columns(`imagenet-${name}`)).toEqual(
    expected.map((value) => (typeof value === 'number' ? expect.closeTo(value, 9) : value)),
  );
});

const names = Object.keys(RECIPES).filter(
  (name) => name.startsWith('imagenet-') && !Object.hasOwn(GRN_FINETUNING_RECIPES, name),
);

test('every size has its recipes, and only published sides', () => {
  expect(names.filter((name) => name.endsWith('-1k-supervised'))).toHaveLength(8);
  expect(names.filter((name) => /^imagenet-[a-z]+-1k$/.test(name))).toHaveLength(8);
  expect(names.filter((name) => /-22k$/.test(name))).toHaveLength(5);
  expect(names.filter((name) => /-22k-1k(-\d+)?$/.test(name)).sort()).toEqual(
    ['base', 'large', 'nano', 'tiny']
      .flatMap((size) => [`imagenet-${size}-22k-1k`, `imagenet-${size}-22k-1k-384`])
      .concat('imagenet-huge-22k-1k-384', 'imagenet-huge-22k-1k-512')
      .sort(),
  );
});

test.each(names)('%s: pairs for mixing, whole accumulation, and a rate for each layer', (name) => {
  const { batchSize, accumulation, backbone, layers, training, evaluation, ...rest } = recipe(name);
  expect(batchSize % 2).toBe(0);
  expect(Number.isInteger(accumulation)).toBe(true);
  expect(training).toMatchObject({
    inputSize: evaluation.inputSize,
    randAugment: { numOperations: 2, magnitude: 9, magnitudeStd: 0.5 },
    erasing: { probability: 0.25 },
  });
  expect(evaluation.mode).toBe(evaluation.inputSize < 384 ? 'crop' : 'warp');
  const size = VARIANT_NAMES.find((variant) => name.startsWith(`imagenet-${variant}-`)) ?? 'atto';
  expect(backbone).toEqual(VARIANTS[size]);
  const { entries } = new ParameterStore(
    // The shapes do not matter to the groups.
    convNeXtV2Specs({ ...backbone, dims: [4, 4, 4, 4] }),
  );
  const groups = groupParameters(entries, { layers, ...rest });
  expect(groups.find(({ path }) => path.endsWith('grn.gamma'))?.weightDecay).toBe(0);
  const [stem] = groups.filter(({ path }) => path === 'downsample_layers.0.0.weight');
  const ids = { single: 1, group: 0 } as Readonly<Record<string, number>>;
  expect(stem.layerId).toBe(ids[layers.kind] ?? null);
});
