import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError, InputError, quote, WeightsError } from '../core/errors.js';
import { isNestedDeeper, numberOf } from '../core/foreign-value.js';
import { dictionary, oneOf, record, withUnknownFields, type Schema } from '../core/schema.js';
import { readClassList } from '../datasets/class-list.js';
import { readLabelFile } from '../datasets/imagenet-labels.js';
import { readModelConfig } from '../io/model-config/read.js';
import { compileSchema } from '../io/schema.js';
import { factsTable, configTable } from '../report/run-facts.js';
import { scoreImagenet } from '../tools/score/imagenet.js';
import { resolveConfig } from '../train/config/resolve.js';
import { checkpointGroup } from '../weights/checkpoint-layout.js';
import { restoreCheckpoint, saveCheckpoint } from '../weights/checkpoint.js';
import { openWeights, withWeights } from '../weights/open.js';
import { safetensorsFile } from './fuzz/frames.js';
import { temporaryFolder } from './helpers/temporary-folder.js';

/*
 * Values of foreign files that are taken for what is expected there: objects that become neither text nor number, keys that
 * every object has, nesting at which recursion ends. All of them are refused with the file's name.
 */
const { folder, put } = temporaryFolder();
const BROKEN = { toString: '', valueOf: 1 };
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
const texts = (json: string): Uint8Array => Buffer.from(json);

test('numbers are numbers and texts of numbers, nothing else', () => {
  expect([1.5, '2', ' 3 ', '1e2'].map(numberOf)).toEqual([1.5, 2, 3, 100]);
  for (const value of [BROKEN, [BROKEN], [1], null, undefined, true, '', ' ', 'x', {}])
    expect(numberOf(value)).toBeNaN();
});

test('nesting is measured without recursion', () => {
  expect(isNestedDeeper([[1]], 2)).toBe(false);
  expect(isNestedDeeper([{ a: [1] }], 2)).toBe(true);
  expect(isNestedDeeper(JSON.parse(DEEP), 1000)).toBe(true);
});

test('values in messages are cut, and none is too deep', () => {
  expect(quote('x'.repeat(100))).toHaveLength(60);
  expect(quote('x'.repeat(100), 20)).toBe(`"${'x'.repeat(16)}...`);
  expect(quote(JSON.parse(DEEP))).toBe('a value too deep to print');
});

test('unknown fields are accepted, and the values of a dictionary are still checked', () => {
  const check = compileSchema(
    withUnknownFields(record({ names: dictionary({ type: 'string' } as Schema<string>) })),
  );
  expect(check({ names: { a: 'x' }, later: 1 })).toEqual([]);
  expect(check({ names: { a: 1 } })).toEqual([
    { path: 'names/a', message: 'expected a text, got 1' },
  ]);
  const words = compileSchema(withUnknownFields(dictionary(oneOf('a', 'b'))));
  expect(words({ x: BROKEN })).toHaveLength(1);
});

test.each([
  ['an index that is an object', [{ index: BROKEN, name: 'a' }], /expected the indices 0 to 0/],
  ['an index that is a list', [{ index: [BROKEN], name: 'a' }], /expected the indices 0 to 0/],
  ['a deep class', `[${DEEP}]`, /expected a name or a wnid, got a value too deep to print/],
  ['a name that is an object', [{ name: BROKEN }], /expected a name or a wnid/],
])('a class list with %s is refused', async (_, json, message) => {
  const file = await put(
    'classes.json',
    texts(typeof json === 'string' ? json : JSON.stringify(json)),
  );
  expect(() => readClassList(file)).toThrow(DataError);
  expect(() => readClassList(file)).toThrow(message);
});

test('deep values in labels and results are refused', async () => {
  const labels = await put('labels.json', texts(`{"a.jpg": ${DEEP}}`));
  expect(() => readLabelFile(labels)).toThrow(/expected a file and its class, got a value too/);
  await expect(scoreImagenet({ dt: [], parts: [], gt: labels, numClasses: 2 })).rejects.toThrow(
    /expected a file and its class, got a value too deep/,
  );
  for (const line of [`{"file": ${DEEP}}`, `{"file":"a","label":${DEEP}}`, DEEP]) {
    const results = await put('results.jsonl', texts(line));
    await expect(scoreImagenet({ dt: [results], parts: [], numClasses: 2 })).rejects.toBeInstanceOf(
      DataError,
    );
  }
});

test('sizes and names beside weights that are no numbers and texts are refused or left out', async () => {
  const at = async (config: unknown, preprocessor?: unknown): Promise<() => unknown> => {
    mkdirSync(join(folder, 'model'), { recursive: true });
    await put('model/config.json', texts(JSON.stringify(config)));
    await put('model/preprocessor_config.json', texts(JSON.stringify(preprocessor ?? {})));
    return () => readModelConfig(join(folder, 'model', 'model.safetensors'));
  };
  const model = { model_type: 'convnextv2' };
  for (const size of [BROKEN, { height: BROKEN, width: 1 }, { shortest_edge: [BROKEN] }])
    expect((await at(model, { size }))()).not.toHaveProperty('inputSize');
  const cropped = { size: 224, do_center_crop: true, crop_size: { height: BROKEN } };
  expect((await at(model, cropped))()).toMatchObject({ inputSize: 224, cropFraction: 224 / 256 });
  expect(await at({ ...model, id2label: { 0: BROKEN } })).toThrow(/id2label\/0: expected a text/);
  expect(await at({ ...model, backbone_config: { depths: [BROKEN] } })).toThrow(
    /#backbone_config: depths\/0: expected a whole number/,
  );
});

test('pieces of a model that are no texts are refused', async () => {
  for (const piece of [null, 1, BROKEN, ['a']]) {
    const index = { weight_map: { 'a.weight': piece } };
    const file = await put('m.safetensors.index.json', texts(JSON.stringify(index)));
    await expect(openWeights(file)).rejects.toThrow(/weight_map\/a\.weight: expected a text/);
  }
});

test.each<[string, string, RegExp]>([
  ['of an unknown name', '{"a":"toString"}', /a: expected one of vector, linear/],
  ['that is an object', '{"a":{"toString":1}}', /a: expected one of vector, linear/],
  ['of other axes', '{"a":"conv"}', /expected the axes of layout conv for a, got \[2, 2\]/],
  ['that do not parse', '{', /got none that parse/],
  ['that are null', 'null', /expected an object, got null/],
  ['too deep', DEEP, /expected at most 64 levels/],
])('a checkpoint with layouts %s is refused', async (_, layouts, message) => {
  const tensor = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
  const metadata = { format: 'convnextv2-checkpoint', layouts };
  const header = JSON.stringify({ __metadata__: metadata, 'weights.a': tensor });
  const file = await put('layouts.safetensors', safetensorsFile(header, 16));
  await withWeights(file, (source) => {
    expect(() => checkpointGroup(source, 'weights')).toThrow(WeightsError);
    expect(() => checkpointGroup(source, 'weights')).toThrow(message);
    return Promise.resolve();
  });
});

test('groups and parameters with names that every object has are read like others', async () => {
  const parameter = (values: Float32Array) =>
    ({ path: 'constructor.weight', shape: [2], layout: 'vector', values }) as const;
  const saved = await saveCheckpoint(join(folder, 'run'), 'step-1', {
    step: 1,
    groups: {
      weights: [parameter(Float32Array.of(1, 2))],
      constructor: [parameter(Float32Array.of(3, 4))],
      toString: [parameter(Float32Array.of(5, 6))],
    },
    state: {},
  });
  const values = new Float32Array(2);
  await restoreCheckpoint(saved, { weights: [parameter(values)] });
  expect([...values]).toEqual([1, 2]);
  await restoreCheckpoint(saved, { constructor: [parameter(values)] });
  expect([...values]).toEqual([3, 4]);
  await expect(restoreCheckpoint(saved, { valueOf: [parameter(values)] })).rejects.toThrow(
    'missing valueOf.constructor.weight',
  );
});

test('BOOL tensors hold 0 and 1', async () => {
  const header = { 'a.b': { dtype: 'BOOL', shape: [3], data_offsets: [0, 3] } };
  const bytes = safetensorsFile(JSON.stringify(header), 3);
  const read = async (): Promise<unknown> => {
    const file = await put('bool.safetensors', bytes);
    return withWeights(file, async ({ tensors }) => [...(await tensors.get('a.b')!.read())]);
  };
  bytes[bytes.length - 2] = 0;
  expect(await read()).toEqual([1, 0, 1]);
  bytes[bytes.length - 1] = 2;
  await expect(read()).rejects.toThrow(
    /bool\.safetensors: tensor "a\.b": expected 0 or 1 in BOOL, got 2/,
  );
});

test('settings with names that every object has are shown in a report, and refused in a configuration', async () => {
  const config = { constructor: 1, toString: { valueOf: 2 } };
  const stored = { recipe: 'own', data: 'd', seed: 0, config, sources: {}, environment: {} };
  const page = configTable(stored as never);
  expect(page).toContain('constructor');
  expect(page).toContain('toString.valueOf');
  for (const key of ['__proto__', 'constructor', 'toString']) {
    const file = await put('own.yaml', texts(`extends: classify\n${key}: {lr: 3}\n`));
    expect(() => resolveConfig(file, { set: [] })).toThrow(InputError);
    expect(() => resolveConfig(file, { set: [] })).toThrow(`own.yaml: ${key}`);
  }
});

test('the facts of a run of 300,000 records are shown', () => {
  const rates = { imagesPerSecond: 3, dataWait: 0.1, rssBytes: 2 ** 20 };
  const step = { kind: 'train', step: 1, epoch: 1, lr: 0.1, losses: {}, gradientNorm: 1, ...rates };
  const records = Array<object>(300_000).fill(step);
  expect(factsTable(undefined, undefined, records as never)).toContain('1 MiB');
});
