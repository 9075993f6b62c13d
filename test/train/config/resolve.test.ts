import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VARIANTS } from '../../../backbone/variants.js';
import { ConfigError } from '../../../core/errors.js';
import type { DetectionConfig } from '../../../train/config/detect.js';
import { DETECTION_RECIPES, RECIPES } from '../../../train/recipes/index.js';
import type { ConfigRequest, ResolvedConfig } from '../../../train/config/resolve.js';
import { resolveConfig } from '../../../train/config/resolve.js';
import { SCHEMAS } from '../../../train/config/schemas.js';
import { compileSchema } from '../../../io/schema.js';
import { writeRunConfig, type RunConfig } from '../../../train/config/run-config.js';
import { configYaml } from '../../../train/config/yaml.js';

let folder: string;
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const resolve = (name: string, request: Partial<ConfigRequest> = {}): ResolvedConfig =>
  resolveConfig(name, { set: [], ...request });
const set = (...settings: readonly string[]): ResolvedConfig =>
  resolve('classify', { set: settings });

test.each(Object.keys(RECIPES))('recipe %s is valid and unchanged when nothing is set', (name) => {
  const { config, recipe, sources } = resolve(name);
  expect(config).toEqual(RECIPES[name]);
  expect(recipe).toBe(name);
  expect(new Set(Object.values(sources))).toEqual(new Set([`recipe ${name}`]));
});

test.each(Object.keys(DETECTION_RECIPES))('recipe %s fits its schema', (name) => {
  expect(compileSchema(SCHEMAS.detect)(DETECTION_RECIPES[name])).toEqual([]);
});

describe('--set', () => {
  test('changes numbers, lists, items of lists, words, and null', () => {
    const { config } = set(
      'lr=.5',
      'backbone.dims=8,16,24,32',
      'backbone.depths=[1,1,1,1]',
      'backbone.depths.2=4',
      'evaluation.mode=warp',
      'clipNorm=null',
      'decayGrn=true',
    );
    expect(config).toEqual({
      ...RECIPES['classify'],
      lr: 0.5,
      backbone: { depths: [1, 1, 4, 1], dims: [8, 16, 24, 32], responseNorm: 'grn' },
      evaluation: { ...(RECIPES['classify'] as { evaluation: object }).evaluation, mode: 'warp' },
      clipNorm: null,
      decayGrn: true,
    });
  });

  test('adds what the recipe leaves out', () => {
    const mix = '{"mixupAlpha":0.8,"cutmixAlpha":1,"probability":1,"switchProbability":0.5}';
    expect(set(`training.mix=${mix}`).config).toMatchObject({
      training: { mix: { mixupAlpha: 0.8 } },
    });
  });

  test('takes records as configuration files have them', () => {
    const { config } = set(
      'optimizer={kind: sgd, momentum: .9, nesterov: false}',
      'layers={ kind: single, layerDecay: 0.9 }',
      'backbone.dims=[8, 16, 24, 32,]',
    );
    expect(config).toMatchObject({
      optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false },
      layers: { kind: 'single', layerDecay: 0.9 },
      backbone: { dims: [8, 16, 24, 32] },
    });
    expect(() => set('optimizer={kind: sgd')).toThrow(
      '--set optimizer: expected an object, got "{kind: sgd"',
    );
  });

  test('another kind replaces the fields of the old one', () => {
    const { config, sources } = set(
      'optimizer.kind=sgd',
      'optimizer.momentum=0.9',
      'optimizer.nesterov=false',
    );
    expect(config.optimizer).toEqual({ kind: 'sgd', momentum: 0.9, nesterov: false });
    expect(Object.keys(sources).filter((path) => path.startsWith('optimizer.'))).toEqual([
      'optimizer.kind',
      'optimizer.momentum',
      'optimizer.nesterov',
    ]);
  });

  test('a place in a list of settings is merged, the others stay as they are', () => {
    const before = DETECTION_RECIPES['coco-cascade-tiny'].detector.stages;
    const { config, sources } = resolve('coco-cascade-tiny', {
      set: ['detector.stages.1.sampler.numSamples=64', 'detector.stages.2={"weight":0.5}'],
    });
    const { stages } = (config as DetectionConfig).detector;
    expect(stages).toEqual([
      before[0],
      { ...before[1], sampler: { ...before[1].sampler, numSamples: 64 } },
      { ...before[2], weight: 0.5 },
    ]);
    expect(before[1].sampler.numSamples).not.toBe(64); // the recipe is as it was
    expect(sources['detector.stages']).toBe('--set detector.stages.2');
  });

  test('a list of settings given whole replaces the list', () => {
    const whole = JSON.stringify(DETECTION_RECIPES['coco-cascade-tiny'].detector.stages.slice(1));
    const { config } = resolve('coco-cascade-tiny', { set: [`detector.stages=${whole}`] });
    expect((config as DetectionConfig).detector.stages).toHaveLength(2);
    expect(() => resolve('coco-cascade-tiny', { set: ['detector.stages=[]'] })).toThrow(
      /^--set detector.stages: expected a list of at least 1, got 0/,
    );
  });

  test('a mistake inside a place of a list names the path', () => {
    const wrong = { set: ['detector.stages.0.sampler.numSample=64'] };
    expect(() => resolve('coco-cascade-tiny', wrong)).toThrow(
      /^--set detector.stages.0.sampler.numSample: expected one of .*nearest: numSamples$/,
    );
  });

  test('the last of two settings counts', () => {
    expect(set('lr=1e-3', 'lr=2e-3').config).toMatchObject({ lr: 2e-3 });
  });

  test.each([
    ['schedule.epochs=3', /expected one of .*, got schedule; use --epochs$/],
    ['learning_rate=3', /^--set learning_rate: expected one of .*; use --lr$/],
    ['model.labelSmoothing=0', /; use --set labelSmoothing$/],
    ['optimizer.labels=0', /; nearest: \w+$/],
    ['lrr=1', /^--set lrr: expected one of .*\blr\b.*, got lrr; nearest: lr$/],
    ['training.crop.scal=[0,1]', /^--set training.crop.scal: expected one of scale, ratio, got/],
    ['lr=fast', /^--set lr: expected a number from 0, got "fast"$/],
    ['lr=-1', /^--set lr: expected a number from 0, got -1$/],
    ['batchSize=0', /^--set batchSize: expected a whole number from 1, got 0$/],
    ['batchSize=1.5', /^--set batchSize: expected a whole number from 1, got 1.5$/],
    ['clipNorm=0', /^--set clipNorm: expected a number above 0 or null, got 0$/],
    ['labelSmoothing=2', /^--set labelSmoothing: expected a number from 0 to 1, got 2$/],
    ['decayGrn=maybe', /^--set decayGrn: expected true or false, got "maybe"$/],
    ['evaluation.mode=wrp', /expected one of crop, warp, got "wrp"; nearest: warp$/],
    ['layers.kind=singel', /^--set layers.kind: expected one of uniform.*; nearest: single$/],
    ['optimizer.kind=sgd', /optimizer.momentum: expected a value, got none/],
    ['backbone.dims=[1,2,3]', /^--set backbone.dims: expected a list of 4, got 3: \[1,2,3\]$/],
    [
      'backbone.dims.4=1',
      /^--set backbone.dims.4: expected a place from 0 to 3 in backbone.dims, a list of 4, got 4; .*--set backbone.dims='\[…\]'$/,
    ],
    ['backbone.dims.-1=1', /from 0 to 3 in backbone.dims, a list of 4, got -1/],
    ['backbone.dims.1e0=1', /from 0 to 3 in backbone.dims, a list of 4, got 1e0/],
    ['backbone.dims.first=1', /from 0 to 3 in backbone.dims, a list of 4, got first/],
    ['backbone=tiny', /^--set backbone: expected an object, got "tiny"$/],
    ['lr.peak=1', /^--set lr.peak: expected lr to hold settings, got 0.001$/],
    ['task=segment', /^--set task: expected classify, got "segment"$/],
    ['lr', /^--set: expected path=value, got lr$/],
    ['=1', /^--set: expected path=value, got =1$/],
    ['__proto__.x=1', /^--set: expected path=value/],
    ['warmupEpochs=99', /warmupEpochs: expected at most epochs \(30\), got 99/],
    ['minLr=1', /minLr: expected at most lr \(0.001\), got 1/],
  ])('%s is rejected', (setting, message) => {
    expect(() => set(setting)).toThrow(ConfigError);
    expect(() => set(setting)).toThrow(message);
  });
});

describe('files', () => {
  test('lie over what they extend, in order, below --model and --set; every value has its source', () => {
    const base = write('base.yaml', 'extends: classify\nlr: 1.0e-2\nbatchSize: 4\nepochs: 7\n');
    const over = write(
      'over.json',
      JSON.stringify({ extends: 'base.yaml', batchSize: 5, epochs: 8 }),
    );
    const { recipe, config, sources } = resolve(over, {
      set: ['epochs=9'],
      asked: VARIANTS.nano,
    });
    expect(recipe).toBe('classify');
    expect(config).toMatchObject({ lr: 1e-2, batchSize: 5, epochs: 9, backbone: VARIANTS.nano });
    expect(sources).toMatchObject({
      lr: base,
      batchSize: over,
      epochs: '--set epochs',
      'backbone.dims': '--model',
      minLr: 'recipe classify',
    });
  });

  test('--config works without extends, and the size of the weights lies below it', () => {
    const file = write('plain.yaml', 'backbone: {dims: [1, 2, 3, 4]}\n');
    const { config } = resolve('classify', { file, ofWeights: VARIANTS.tiny });
    expect(config).toMatchObject({ backbone: { depths: [3, 3, 9, 3], dims: [1, 2, 3, 4] } });
  });

  test('what config print writes is read back the same', () => {
    const printed = resolve('segment-finetune', { set: ['lr=0.5', 'photometric=null'] });
    const text = configYaml(printed);
    expect(text).toContain('lr: 0.5 # --set lr');
    expect(resolve(write('printed.yaml', text)).config).toEqual(printed.config);
  });

  test('the configuration of a run is one', () => {
    const { recipe, config, sources } = resolve('fcmae-atto', {
      set: ['epochs=3', 'warmupEpochs=1'],
    });
    const run = { format: 'convnextv2-run', version: 1, recipe, config, sources };
    mkdirSync(join(folder, 'run'));
    writeRunConfig(join(folder, 'run'), run as unknown as RunConfig);
    expect(resolve(join(folder, 'run')).config).toEqual(config);
    const again = resolve(join(folder, 'run', 'config.json'), { shortcuts: { lr: 0.5 } });
    expect(again.recipe).toBe('fcmae-atto');
    const changed = Object.entries(again.sources).filter(([, of]) => of !== 'recipe fcmae-atto');
    expect(Object.fromEntries(changed)).toEqual({
      epochs: 'config.json: --set epochs',
      warmupEpochs: 'config.json: --set warmupEpochs',
      baseLr: '--lr',
    });
  });

  test.each([
    [
      'unknown.yaml',
      'extends: clasify',
      /extends: expected a recipe or a file .*nearest recipe: classify/,
    ],
    ['circle.yaml', 'extends: circle.yaml', /got a circle/],
    ['none.yaml', 'lr: 1', /expected `extends: RECIPE`/],
    [
      'two.yaml',
      'extends: [classify, fcmae-atto]',
      /expected one recipe at the end, got classify and/,
    ],
    ['torn.json', '{"extends": "classify",', /torn\.json:\d+: expected YAML or JSON, got/],
    ['list.yaml', '- 1', /expected settings by name, got \[1\]/],
    [
      'key.yaml',
      'extends: classify\ntraning: {}',
      /key\.yaml: traning: expected one of .*training/,
    ],
    [
      'value.yaml',
      'extends: classify\nlr: fast',
      /value\.yaml: lr: expected a number from 0, got "fast"/,
    ],
    ['number.yaml', 'extends: 3', /extends: expected the name of a recipe or a file, got 3/],
  ])('%s is rejected', (name, text, message) => {
    const file = write(name, `${text}\n`);
    expect(() => resolve(file)).toThrow(ConfigError);
    expect(() => resolve(file)).toThrow(message);
  });

  test('a file that is missing or extends another recipe is rejected', () => {
    expect(() => resolve(join(folder, 'no.yaml'))).toThrow(/no\.yaml: .*got no such file/);
    const file = write('other.yaml', 'extends: fcmae-atto\n');
    expect(() => resolve('classify', { file })).toThrow(
      /expected it to extend classify, got fcmae-atto/,
    );
    expect(() => resolve('clasify')).toThrow(/got clasify; nearest: classify/);
  });
});
