import { describe, expect, test } from 'vitest';
import { RECIPES } from '../../../train/recipes/index.js';
import { flattenSettings, type Settings } from '../../../train/config/layers.js';
import { resolveConfig } from '../../../train/config/resolve.js';
import { describeShortcuts, type Shortcuts } from '../../../train/config/shortcuts.js';

const resolve = (recipe: string, shortcuts: Shortcuts, set: readonly string[] = []) =>
  resolveConfig(recipe, { set, shortcuts });
const valuesOf = (config: object): Map<string, unknown> =>
  new Map(flattenSettings(config as Settings));

/** Paths of values that differ from those of the recipe. */
function changed(recipe: string, shortcuts: Shortcuts): readonly string[] {
  const before = valuesOf(RECIPES[recipe]);
  return [...valuesOf(resolve(recipe, shortcuts).config)]
    .filter(([path, value]) => JSON.stringify(before.get(path)) !== JSON.stringify(value))
    .map(([path]) => path);
}

describe.each(Object.entries(RECIPES))('%s', (name, recipe) => {
  const short =
    'limits' in recipe.evaluation ? recipe.evaluation.limits.short : recipe.evaluation.inputSize;

  test('--size scales every size of the input, and only these', () => {
    expect(changed(name, { size: short })).toEqual([]);
    const { config, sources } = resolve(name, { size: 2 * short });
    const before = valuesOf(recipe);
    const scaled = Object.keys(sources).filter((path) => sources[path] === '--size');
    expect(scaled.length).toBeGreaterThanOrEqual(2);
    for (const path of scaled) {
      const value = [before.get(path)].flat() as number[];
      expect([valuesOf(config).get(path)].flat()).toEqual(value.map((pixels) => 2 * pixels));
    }
    const inPixels =
      /(inputSize|short|long|shortSides|longSide|sides|cropSize|stride|jitter\.size)$/;
    const all = [...before.keys()].filter(
      (path) => /^(training|evaluation|geometry)\./.test(path) && inPixels.test(path),
    );
    expect(scaled.sort()).toEqual(all.sort());
  });

  test('--lr sets the key of the rate of the task', () => {
    expect(changed(name, { lr: 0.0123 })).toEqual([recipe.task === 'pretrain' ? 'baseLr' : 'lr']);
  });

  test('--batch keeps the images of an update where it can', () => {
    const images = recipe.batchSize * recipe.accumulation;
    expect(resolve(name, { batch: images }).config).toMatchObject({
      batchSize: images,
      accumulation: 1,
    });
    expect(resolve(name, { batch: 2 }).config).toMatchObject({
      batchSize: 2,
      accumulation: Math.max(1, images / 2),
    });
  });
});

test('a batch larger than an update of the recipe is one update', () => {
  expect(resolve('detect-finetune', { batch: 16 }).config).toMatchObject({
    batchSize: 16,
    accumulation: 1,
  });
});

test('accumulation that is set stays', () => {
  const { config } = resolve('detect-finetune', { batch: 1 }, ['accumulation=3']);
  expect(config).toMatchObject({ batchSize: 1, accumulation: 3 });
  // As from a program: an object in place of `--set`.
  const request = { set: [], settings: { accumulation: 1 }, shortcuts: { batch: 2 } };
  const given = resolveConfig('detect-finetune', request).config;
  expect(given).toMatchObject({ batchSize: 2, accumulation: 1 });
});

test('options applied twice, as on a resumed run, give the same', () => {
  const once = resolve('detect-finetune', { batch: 3, size: 333 }).config;
  const again = resolveConfig(once, { set: [], shortcuts: { batch: 3, size: 333 } }).config;
  expect(again).toEqual(once);
});

test.each([
  [{ batch: 4 }, 'batchSize=2', /--batch: expected either --batch or --set batchSize, .* got both/],
  [{ lr: 1e-3 }, 'lr=1', /--lr: expected either --lr or --set lr, /],
  [{ size: 64 }, 'evaluation.limits.short=9', /--size: expected either --size or --set evaluation/],
  [
    { size: 64 },
    'evaluation={"limits":{"short":9}}',
    /--size or --set evaluation, .*limits\.short/,
  ],
] as const)('%j with --set %s', (shortcuts, setting, message) => {
  expect(() => resolve('detect', shortcuts, [setting])).toThrow(message);
});

test('an invalid setting is reported before anything is scaled', () => {
  expect(() => resolve('detect', { size: 64 }, ['training=5'])).toThrow(/--set training/);
  expect(() => resolve('detect', { size: 1e7 })).toThrow(/--size: evaluation\.limits/);
});

test('options are described by the settings that they are', () => {
  const shortcuts = { batch: 1, lr: 0.002, size: 120 };
  expect(describeShortcuts(resolve('detect', shortcuts), shortcuts)).toEqual([
    '--batch 1: batchSize=1, accumulation=2',
    '--lr 0.002: lr=0.002',
    '--size 120: training.scales.shortSides=[120], training.scales.longSide=200, ' +
      'training.scales.crop.shortSides=[120], training.scales.crop.sides=[120,200], ' +
      'evaluation.limits.long=200, evaluation.limits.short=120',
  ]);
});
