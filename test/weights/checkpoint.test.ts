import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ConfigError, WeightsError } from '../../core/errors.js';
import {
  findCheckpoint,
  keepLast,
  latestValid,
  markBest,
  readBest,
} from '../../weights/checkpoint-folder.js';
import {
  readCheckpoint,
  restoreCheckpoint,
  saveCheckpoint,
  type CheckpointGroups,
} from '../../weights/checkpoint.js';
import { convertModel } from '../../inference/convert.js';
import type { Which } from '../../weights/select.js';
import { convertWeights } from '../../weights/convert.js';
import type { Layout } from '../../weights/layout.js';
import { loadWeights, type ParameterTarget } from '../../weights/load.js';
import { locateWeights } from '../../weights/pull/cache.js';
import { expectedShapes } from '../../weights/architecture.js';
import { readTensors } from '../helpers/fixtures.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { folder: root } = temporaryFolder();
let folder: string;
let numFolders = 0;
beforeEach(() => {
  folder = join(root, `run${numFolders++}`);
});

/** Two parameters as views into one flat buffer, as the engine keeps them. */
function parameters(...values: number[]): ParameterTarget[] {
  const flat = Float32Array.from(values);
  return [
    { path: 'head.weight', shape: [2, 3], layout: 'linear', values: flat.subarray(0, 6) },
    { path: 'head.bias', shape: [3], layout: 'vector', values: flat.subarray(6, 9) },
  ];
}

const groupsOf = (start: number): CheckpointGroups => ({
  weights: parameters(...Array.from({ length: 9 }, (_, i) => start + i)),
  ema: parameters(...Array.from({ length: 9 }, (_, i) => start + 100 + i)),
  firstMoment: parameters(...Array.from({ length: 9 }, (_, i) => (i + 1) * 1e-40)),
});

const empty = (): CheckpointGroups => ({
  weights: parameters(...Array<number>(9).fill(0)),
  ema: parameters(...Array<number>(9).fill(0)),
  firstMoment: parameters(...Array<number>(9).fill(0)),
});

const valuesOf = (groups: CheckpointGroups) =>
  Object.entries(groups).map(([group, list]) => [group, list.map(({ values }) => [...values])]);

const state = { random: [1, 2, 3, 4294967295], classNames: ['ä', 'b'], nested: { mean: [0.485] } };

test('what is saved is restored bit for bit, with its state', async () => {
  const groups = groupsOf(0.1);
  const saved = await saveCheckpoint(folder, 'step-10', { step: 10, groups, state });
  expect((await readdir(folder)).sort()).toEqual(['step-10.json', 'step-10.safetensors']);
  for (const path of ['step-10', 'step-10.json', 'step-10.safetensors']) {
    expect(await readCheckpoint(join(folder, path))).toEqual(saved);
  }
  const restored = empty();
  await restoreCheckpoint(saved, restored);
  expect(valuesOf(restored)).toEqual(valuesOf(groups));
  expect((await readCheckpoint<typeof state>(saved.file)).state).toEqual(state);
});

test('the same content gives the same bytes', async () => {
  const first = await saveCheckpoint(folder, 'a', { step: 1, groups: groupsOf(1), state });
  const second = await saveCheckpoint(folder, 'b', { step: 1, groups: groupsOf(1), state });
  expect(second.sha256).toBe(first.sha256);
});

test('restoring is strict and all or nothing', async () => {
  const saved = await saveCheckpoint(folder, 'a', { step: 1, groups: groupsOf(1), state });
  const [weight, bias] = parameters(...Array<number>(9).fill(0));
  await expect(
    restoreCheckpoint(saved, { weights: [bias], ema: [weight, { ...bias, shape: [3, 1] }] }),
  ).rejects.toThrow(
    'ema.head.bias: expected F32 [3, 1], got F32 [3]; unexpected weights.head.weight',
  );
  await expect(restoreCheckpoint(saved, { secondMoment: [weight, bias] })).rejects.toThrow(
    'missing secondMoment.head.weight; missing secondMoment.head.bias',
  );
  expect([...weight.values, ...bias.values].every((value) => value === 0)).toBe(true);
  await restoreCheckpoint(saved, { ema: [weight, bias] }); // other groups are not asked for
  expect([...bias.values]).toEqual([107, 108, 109]);
});

test('a state that JSON cannot hold is rejected before anything is written', async () => {
  const save = (bad: object) =>
    saveCheckpoint(folder, 'a', { step: 1, groups: groupsOf(1), state: bad });
  await expect(save({ a: { lr: NaN } })).rejects.toThrow(
    'expected a finite number at state.a.lr, got NaN',
  );
  await expect(save({ seed: 1n })).rejects.toThrow('expected JSON at state.seed, got a bigint');
  await expect(save({ order: new Int32Array(2) })).rejects.toThrow(
    'expected an array at state.order',
  );
  await expect(save({ order: new Int32Array(2) })).rejects.toThrow(ConfigError);
  await expect(saveCheckpoint(folder, '../a', { step: 1, groups: {}, state })).rejects.toThrow(
    'plain file name',
  );
  await expect(saveCheckpoint(folder, 'best', { step: 1, groups: {}, state })).rejects.toThrow(
    'plain file name',
  );
  await expect(
    saveCheckpoint(folder, 'a', { step: 1, groups: { 'a.b': [] }, state }),
  ).rejects.toThrow('without dots');
  await expect(readdir(folder)).rejects.toThrow('ENOENT');
});

async function saveSteps(...steps: number[]): Promise<void> {
  for (const step of steps)
    await saveCheckpoint(folder, `step-${step}`, { step, groups: groupsOf(step), state });
}

test('the newest valid checkpoint is found by step, not by name', async () => {
  await saveSteps(9, 100, 20);
  const { checkpoint, skipped } = await latestValid(folder);
  expect([checkpoint?.name, checkpoint?.step, skipped]).toEqual(['step-100', 100, []]);
});

test.each<[string, (file: string) => Promise<void>, RegExp]>([
  [
    'tensors cut short',
    (file) => truncate(`${file}.safetensors`, 50),
    /expected \d+ bytes, got 50 \(torn\)/,
  ],
  ['one bit changed', flipLastBit, /expected crc32 \w{8}, got \w{8}$/],
  [
    'one bit changed, and only the SHA-256 of earlier versions',
    async (file) => {
      const json = await readFile(`${file}.json`, 'utf8');
      await writeFile(`${file}.json`, json.replace(/,\s*"crc32": "\w{8}"/, ''));
      await expect(readCheckpoint(file)).resolves.toMatchObject({ step: 3 });
      await flipLastBit(file);
    },
    /expected sha256 \w{64}, got \w{64}$/,
  ],
  [
    'a JSON cut short',
    (file) => truncate(`${file}.json`, 20),
    /expected a checkpoint as JSON, got/,
  ],
  ['an empty JSON', (file) => writeFile(`${file}.json`, ''), /got an empty file/],
  [
    'a later version',
    (file) => editJson(file, '"version": 1', '"version": 2'),
    /expected version 1, got 2/,
  ],
  [
    'tensors elsewhere',
    (file) => editJson(file, 'step-3.safe', '../step-3.safe'),
    /a file beside it/,
  ],
  ['a missing JSON', (file) => rm(`${file}.json`), /expected step-3\.json beside it/],
  ['missing tensors', (file) => rm(`${file}.safetensors`), /got no such file/],
])('with %s the one before is taken, and the reason is told', async (_, damage, reason) => {
  await saveSteps(1, 2, 3);
  await damage(join(folder, 'step-3'));
  const { checkpoint, skipped } = await latestValid(folder);
  expect(checkpoint?.name).toBe('step-2');
  expect(skipped).toHaveLength(1);
  expect(skipped[0].file).toBe(join(folder, 'step-3.safetensors'));
  expect(skipped[0].reason).toMatch(reason);
  await expect(readCheckpoint(join(folder, 'step-3'))).rejects.toThrow(WeightsError);
});

async function flipLastBit(file: string): Promise<void> {
  const bytes = await readFile(`${file}.safetensors`);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(`${file}.safetensors`, bytes);
}

async function editJson(file: string, from: string, to: string): Promise<void> {
  await writeFile(`${file}.json`, (await readFile(`${file}.json`, 'utf8')).replace(from, to));
}

test('a folder without valid checkpoints is empty, not an error', async () => {
  expect(await latestValid(folder)).toEqual({ checkpoint: undefined, skipped: [] });
  expect(await keepLast(folder, 2)).toEqual([]);
  await expect(findCheckpoint(folder)).rejects.toThrow('expected a valid checkpoint, got none');
  await saveSteps(1);
  await truncate(join(folder, 'step-1.safetensors'), 1);
  expect((await latestValid(folder)).checkpoint).toBeUndefined();
  await expect(findCheckpoint(folder)).rejects.toThrow(/valid checkpoint, got .*torn/);
});

test('keepLast deletes all but the newest and the best', async () => {
  await saveSteps(1, 2, 3, 4, 5);
  await writeFile(join(folder, 'config.json'), '{}');
  await markBest(folder, { name: 'step-2', metric: 'top1', value: 0.9 });
  expect(await keepLast(folder, 2)).toEqual(['step-1', 'step-3']);
  const left = [2, 4, 5].flatMap((step) => [`step-${step}.json`, `step-${step}.safetensors`]);
  expect((await readdir(folder)).sort()).toEqual(['best.json', 'config.json', ...left]);
  expect(await readBest(folder)).toEqual({ name: 'step-2', metric: 'top1', value: 0.9 });
  expect((await findCheckpoint(folder)).name).toBe('step-2');
  await markBest(folder, { name: 'step-5', metric: 'top1', value: 0.95 });
  expect(await keepLast(folder, 1)).toEqual(['step-2', 'step-4']);
  await writeFile(join(folder, 'best.json'), '{');
  await expect(readBest(folder)).rejects.toThrow('expected name, metric and value');
});

test('keepLast leaves checkpoints of later steps alone, and does not count them', async () => {
  await saveSteps(1, 2, 3, 8, 9);
  expect(await keepLast(folder, 2, 3)).toEqual(['step-1']);
  expect(await keepLast(folder, 1, 3)).toEqual(['step-2']);
  expect(await keepLast(folder, 1)).toEqual(['step-3', 'step-8']);
});

const shapes = expectedShapes({
  size: undefined,
  depths: [1, 1, 1, 1],
  dims: [2, 3, 4, 5],
  inChannels: 3,
  numClasses: 6,
  hasNorm: true,
  stageNorms: [],
});
/** Parameters of a small network in our layouts. */
const targets = (start: number): ParameterTarget[] =>
  [...shapes].map(([path, torch], index) => {
    const [a, b, c, d] = torch;
    const [layout, shape]: [Layout, number[]] = path.endsWith('dwconv.weight')
      ? ['depthwise', [c, d, a, b]]
      : torch.length === 4 && path.endsWith('weight')
        ? ['conv', [c, d, b, a]]
        : torch.length === 2
          ? ['linear', [b, a]]
          : ['vector', [torch[torch.length - 1]]];
    const length = shape.reduce((x, y) => x * y, 1);
    return {
      path,
      shape,
      layout,
      values: Float32Array.from({ length }, (_, i) => start + index + i / 1000),
    };
  });

test('a checkpoint is a weight file: it loads, and converts to PyTorch axis order', async () => {
  const weights = targets(0);
  await saveCheckpoint(folder, 'last', { step: 1, groups: { weights, ema: targets(1000) }, state });
  const loaded = targets(-1);
  await loadWeights(join(folder, 'last.safetensors'), loaded, { which: 'model_ema' });
  expect(loaded).toEqual(targets(1000));
  const output = join(folder, 'timm.out');
  const { file } = await locateWeights(folder, root); // a run folder stands for its best checkpoint
  // A copy of the values in another scheme does not replace its source.
  await expect(convertWeights(file, file, { scheme: 'timm' })).rejects.toThrow(
    /expected outputs that are none of the inputs/,
  );
  await convertWeights(file, output, { scheme: 'timm' });
  const converted = readTensors(output).get('head.fc.weight');
  const head = weights.find(({ path }) => path === 'head.weight')?.values ?? [];
  expect(converted?.shape).toEqual([6, 5]); // ours is [5, 6]
  expect([converted?.data[1], converted?.data[5]]).toEqual([head[6], head[1]]);
});

test('of the best checkpoint of a run its better weights are converted', async () => {
  const checkpoints = join(folder, 'checkpoints');
  const groups = { weights: targets(0), ema: targets(1000) };
  await saveCheckpoint(checkpoints, 'last', { step: 1, groups, state });
  const { file } = await locateWeights(folder, root); // the run folder stands for it
  const output = join(folder, 'out.safetensors');
  const biasOf = async (which?: Which): Promise<number | undefined> => {
    await convertModel(file, output, { scheme: 'official', which });
    return readTensors(output).get('head.bias')?.data[0];
  };
  const [raw, ema] = [await biasOf('model'), await biasOf('model_ema')];
  expect(ema).toBe((raw ?? NaN) + 1000);
  expect(await biasOf()).toBe(raw); // no mark
  await markBest(checkpoints, { name: 'last', metric: 'top1', value: 0.9, which: 'ema' });
  expect(await biasOf()).toBe(ema);
  expect(await biasOf('model')).toBe(raw);
  await markBest(checkpoints, { name: 'last', metric: 'top1', value: 0.9, which: 'raw' });
  expect(await biasOf()).toBe(raw);
});

test('parameters of every layout are loaded as they were saved, also into another layout of the same PyTorch shape', async () => {
  const shapes: Readonly<Record<Layout, readonly number[]>> = {
    vector: [5],
    linear: [3, 4],
    conv: [2, 3, 4, 5],
    depthwise: [3, 3, 4, 1],
    convTranspose: [2, 2, 3, 4],
  };
  const filled = (value: (i: number) => number, also: readonly ParameterTarget[] = []) => [
    ...Object.entries(shapes).map(([layout, shape]) => ({
      path: `own.${layout}`,
      shape,
      layout: layout as Layout,
      values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
    })),
    ...also,
  ];
  const saved = filled((i) => i + 0.5);
  const { file } = await saveCheckpoint(folder, 'step-1', {
    step: 1,
    groups: { weights: saved },
    state: {},
  });
  for (const isNew of [true, false]) {
    const loaded = filled(() => 0);
    await loadWeights(file, loaded, { isNew });
    expect(loaded).toEqual(saved);
    // A linear layer's [in, out] is [out, in] in PyTorch, which a vector takes as it is.
    const values = new Float32Array(12);
    const asVector = { path: 'own.linear', layout: 'vector', shape: [4, 3], values } as const;
    await loadWeights(file, loaded.toSpliced(1, 1, asVector), { isNew });
    expect([...values]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11].map((i) => i + 0.5));
  }
});
