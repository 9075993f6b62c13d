import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fcmaeConfig, fcmaeSpecs } from '../../../backbone/fcmae.js';
import type { ConvNeXtV2Config } from '../../../backbone/variants.js';
import { ConfigError, DataError, WeightsError } from '../../../core/errors.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { parameterTargets } from '../../../weights/load.js';
import { analyzeCollapse, type CollapseRequest } from '../../../tools/analyze/collapse.js';
import { collapseChart } from '../../../tools/analyze/collapse-chart.js';
import { analyzeFlops } from '../../../tools/analyze/flops.js';
import { openEncoder } from '../../../train/pretrain/encoder.js';
import { saveCheckpoint } from '../../../weights/checkpoint.js';
import { FIXTURES } from '../../helpers/fixtures.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

const GRN: ConvNeXtV2Config = { depths: [1, 1, 2, 1], dims: [4, 8, 8, 12], responseNorm: 'grn' };
const PLAIN: ConvNeXtV2Config = { ...GRN, responseNorm: 'none' };
const CLASSIFIER = join(FIXTURES, 'small', 'backbone_official.pth');
const SPARSE = join(FIXTURES, 'fcmae_96_sparse.pth');

let folder: string;
let data: string;
const at = (name: string): string => join(folder, name);
const request = (options: Partial<CollapseRequest>): CollapseRequest => ({
  models: [],
  data,
  out: at('out'),
  limit: 3,
  size: 64,
  engine: { kind: 'compiled', provider: 'cpu', threads: 1, spinning: false },
  ...options,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-analyze-'));
  data = writeTinyClasses({ classes: 2, perClass: 2 });
  mkdirSync(at('empty'));
  for (const [name, backbone] of [
    ['grn', GRN],
    ['plain', PLAIN],
  ] as const) {
    const store = new ParameterStore(
      fcmaeSpecs({ ...fcmaeConfig(backbone), decoder: { channels: 4, depth: 1 } }),
    );
    store.initialize(4);
    const groups = { weights: parameterTargets(store) };
    await saveCheckpoint(folder, name, { step: 1, groups, state: {} });
  }
});
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

describe('collapse', () => {
  test('curves and pictures of two autoencoders, one of them without response norm', async () => {
    const models = ['grn', 'plain'].map((name) => at(`${name}.safetensors`));
    const found = await analyzeCollapse(request({ models }));
    expect(found.map(({ name, images }) => [name, images])).toEqual([
      ['grn', 3],
      ['plain', 3],
    ]);
    expect(found.map(({ blocks }) => blocks.length)).toEqual([10, 5]);
    // At the start response norms are the identity.
    for (const { layer, point, distance } of found[0].blocks) {
      expect(distance).toBeGreaterThan(0);
      if (point === 'normalized') continue;
      const after = found[0].blocks.find((b) => b.layer === layer && b.point === 'normalized');
      expect(after?.distance).toBeCloseTo(distance, 5);
    }
    const saved = JSON.parse(readFileSync(join(at('out'), 'collapse.json'), 'utf8')) as object;
    expect(saved).toEqual({ models: found });
    expect(
      readFileSync(join(at('out'), 'collapse.png'))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect(readdirSync(join(at('out'), 'channels', 'plain'))).toEqual(
      ['0.0', '1.0', '2.0', '2.1', '3.0'].map((block) => `stages.${block}.expanded.png`),
    );
    expect(readdirSync(join(at('out'), 'channels', 'grn'))).toHaveLength(10);
  });

  test.each([
    ['a classifier', CLASSIFIER],
    ['a sparse autoencoder', SPARSE],
  ])('reads %s', async (_, file) => {
    const { config } = await openEncoder(file);
    const [{ blocks }] = await analyzeCollapse(request({ models: [file], limit: 1 }));
    expect(blocks).toHaveLength(2 * config.depths.reduce((sum, depth) => sum + depth, 0));
  });

  test.each<[string, Partial<CollapseRequest>, new (message: string) => Error, string]>([
    ['no image', { models: [CLASSIFIER], limit: 0 }, ConfigError, '--limit: expected an image'],
    ['a missing model', { models: ['/none.pth'] }, WeightsError, '/none.pth'],
    ['a model without average', { models: [CLASSIFIER], ema: true }, WeightsError, 'model_ema'],
  ])('%s is refused before anything is written', async (_, options, kind, message) => {
    const out = at('refused');
    const run = analyzeCollapse(request({ out, ...options }));
    await expect(run).rejects.toThrow(kind);
    await expect(run).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  test('pictures that results would replace are refused', async () => {
    const name = (file: string): string => join(at('own'), file);
    for (const file of ['collapse.png', 'channels/classifier/stages.0.0.expanded.png']) {
      mkdirSync(dirname(name(file)), { recursive: true });
      copyFileSync(join(data, 'val/class0/0.png'), name(file));
      const run = analyzeCollapse(
        request({ models: [CLASSIFIER], data: at('own'), out: at('own') }),
      );
      await expect(run).rejects.toThrow(/expected outputs that are none of the inputs/);
      rmSync(name(file));
    }
  });

  test('an empty folder is refused', async () => {
    const run = analyzeCollapse(request({ models: [CLASSIFIER], data: at('empty') }));
    await expect(run).rejects.toThrow(DataError);
  });

  test('a chart has a line for each point that a model has', () => {
    const blocks = [
      { layer: 'stages.0.0', point: 'expanded', distance: 0.4 },
      { layer: 'stages.0.1', point: 'expanded', distance: 0.1 },
    ] as const;
    const svg = collapseChart([{ name: 'V1', images: 1, blocks }]);
    expect(svg).not.toContain('response norm');
    const both = [...blocks, { ...blocks[0], point: 'normalized' as const }];
    const two = collapseChart([{ name: 'V2', images: 1, blocks: both }]);
    expect(two).toContain('V2, after response norm');
  });
});

describe('flops', () => {
  const ask = { heightPx: 224, widthPx: 224, classes: 1000 };

  test.each([
    ['atto', 0.547, 3_708_400],
    ['tiny', 4.456, 28_635_496],
    ['huge', 114.922, 660_289_640],
  ])('%s has its published cost', async (model, gigaMacs, parameters) => {
    const { parts } = await analyzeFlops({ ...ask, model });
    const total = parts[parts.length - 1];
    expect(total.macs / 1e9).toBeCloseTo(gigaMacs, 3);
    expect(total.parameters).toBe(parameters);
    expect(parts.map(({ part }) => part)).toEqual([
      ...[0, 1, 2, 3].map((s) => `stage ${s}`),
      ...['head', 'total'],
    ]);
    const sum = (key: 'macs' | 'parameters'): number =>
      parts.slice(0, -1).reduce((all, part) => all + part[key], 0);
    expect([sum('macs'), sum('parameters')]).toEqual([total.macs, total.parameters]);
  });

  test('a file is counted by its own architecture, a backbone without head', async () => {
    const report = await analyzeFlops({ ...ask, model: at('plain.safetensors'), classes: 0 });
    expect(report.depths).toEqual(PLAIN.depths);
    expect(report.parts.map(({ part }) => part)).not.toContain('head');
  });

  test('an image smaller than the stride is refused', async () => {
    const run = analyzeFlops({ ...ask, model: 'atto', widthPx: 16 });
    await expect(run).rejects.toThrow('--size: expected 32 pixels or more, got 224 × 16');
  });
});
