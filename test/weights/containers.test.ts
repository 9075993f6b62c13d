import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { verifyModel } from '../../inference/summary.js';
import { beforeAll, expect, test } from 'vitest';
import { load } from '../../inference/open.js';
import { configOf, originByName, originOf } from '../../inference/origin.js';
import { withPreprocessing } from '../../inference/preprocessing.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { openWeights } from '../../weights/open.js';
import type { TensorMap } from '../../io/tensor.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { smallNetwork } from './small-network.js';

const { path } = temporaryFolder();
const SHARDED = join(import.meta.dirname, '../fixtures/published/hf-v2-sharded');
const NETWORK = { depths: [1, 2, 1, 1], dims: [2, 3, 4, 5] };

async function save(file: string, tensors: TensorMap): Promise<void> {
  await writeSafetensors(
    file,
    [...tensors].map(([name, { shape, read }]) => ({ name, dtype: 'F32', shape, data: read })),
  );
}

/** A copy of the model in pieces. */
function copy(name: string): string {
  cpSync(SHARDED, path(name), { recursive: true });
  return path(name);
}

const editIndex = (folder: string, edit: (map: Record<string, string>) => void): void => {
  const file = join(folder, 'model.safetensors.index.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as { weight_map: Record<string, string> };
  edit(json.weight_map);
  writeFileSync(file, JSON.stringify(json));
};

let whole: string;
beforeAll(async () => {
  whole = path('hub');
  mkdirSync(whole);
  await save(join(whole, 'model.safetensors'), smallNetwork());
});

test('pieces are one file, as folder and as index', async () => {
  for (const file of [SHARDED, join(SHARDED, 'model.safetensors.index.json')]) {
    const source = await openWeights(file);
    expect(source.tensors.size).toBeGreaterThan(60);
    expect(source.container).toBe('safetensors');
    await source.check?.();
    for (const tensor of source.tensors.values()) await tensor.read();
    await source.close();
  }
});

test('a model in pieces is verified piece by piece', async () => {
  const { pieces = [], sha256, bytes } = await verifyModel(SHARDED);
  expect(pieces.map(({ name }) => name)).toEqual(
    [1, 2, 3].map((k) => `model-0000${k}-of-00003.safetensors`),
  );
  const contents = pieces.map(({ name }) => readFileSync(join(SHARDED, name)));
  const hash = (data: Uint8Array | string): string =>
    createHash('sha256').update(data).digest('hex');
  expect(pieces.map((piece) => piece.sha256)).toEqual(contents.map(hash));
  expect(bytes).toBe(contents.reduce((sum, { length }) => sum + length, 0));
  // As `sha256sum model-* | sha256sum`.
  expect(sha256).toBe(hash(pieces.map((piece) => `${piece.sha256}  ${piece.name}\n`).join('')));
});

test.each<[string, (folder: string) => void, RegExp]>([
  [
    'without a piece',
    (folder) => rmSync(join(folder, 'model-00002-of-00003.safetensors')),
    /index\.json: expected model-00002-of-00003\.safetensors beside it, got no such file \(fetch all 3 pieces\)/,
  ],
  [
    'without a tensor',
    (folder) => editIndex(folder, (map) => (map['no.such'] = 'model-00001-of-00003.safetensors')),
    /expected tensor no\.such in model-00001-of-00003\.safetensors, got none/,
  ],
  [
    'with a piece elsewhere',
    (folder) => editIndex(folder, (map) => (map['a'] = '../secret.safetensors')),
    /expected file names beside the index, got \.\.\/secret\.safetensors/,
  ],
  [
    'with itself as piece',
    (folder) => editIndex(folder, (map) => (map['a'] = 'model.safetensors.index.json')),
    /expected file names beside the index/,
  ],
  [
    'that is empty',
    (folder) => writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map":{}}'),
    /expected 1 to 1000 pieces, got 0/,
  ],
  [
    'without a map',
    (folder) => writeFileSync(join(folder, 'model.safetensors.index.json'), '{}'),
    /weight_map: expected a value, got none/,
  ],
  [
    'that is no JSON',
    (folder) => writeFileSync(join(folder, 'model.safetensors.index.json'), '<html>'),
    /expected an index of weights as JSON/,
  ],
  [
    'that is missing',
    (folder) => rmSync(join(folder, 'model.safetensors.index.json')),
    /expected model\.safetensors\.index\.json or pytorch_model\.bin\.index\.json beside model-0000\d-of-00003\.safetensors, got none/,
  ],
])('an index %s is refused', async (name, damage, message) => {
  const folder = copy(`damaged ${name}`);
  damage(folder);
  await expect(openWeights(folder)).rejects.toThrow(message);
});

test('one piece alone is refused with the way to the whole', async () => {
  await expect(load(join(SHARDED, 'model-00001-of-00003.safetensors'))).rejects.toThrow(
    'the file is one piece of a model; give its folder, or the *.index.json beside it',
  );
});

test('the cache of the Hugging Face hub is opened at its main revision', async () => {
  const folder = path('models--timm--convnext_base.clip_laiona');
  mkdirSync(join(folder, 'refs'), { recursive: true });
  writeFileSync(join(folder, 'refs', 'main'), 'abc\n');
  cpSync(whole, join(folder, 'snapshots', 'abc'), { recursive: true });
  mkdirSync(join(folder, 'snapshots', 'xyz'));
  const { card, file } = await load(folder);
  expect(file).toBe(join(folder, 'snapshots', 'abc', 'model.safetensors'));
  expect(card).toMatchObject({
    pixels: { mean: [0.48145466, 0.4578275, 0.40821073] },
    resize: { inputSize: 256, cropFraction: 1, mode: 'crop' },
  });
});

test('configuration of transformers: names, statistics, sizes, epsilon', async () => {
  const folder = path('transformers');
  cpSync(whole, folder, { recursive: true });
  const labels = Object.fromEntries(Array.from({ length: 6 }, (_, k) => [k, `name ${k}`]));
  const config = { model_type: 'convnextv2', depths: NETWORK.depths, hidden_sizes: NETWORK.dims };
  const write = (name: string, json: object): void =>
    writeFileSync(join(folder, name), JSON.stringify(json));
  write('config.json', { ...config, id2label: labels, layer_norm_eps: 1e-9, image_size: 96 });
  expect((await load(folder)).card).toMatchObject({
    classNames: Object.values(labels),
    backbone: { headNormEps: 1e-9 },
    resize: { inputSize: 96, cropFraction: 224 / 256, mode: 'crop' },
  });
  write('preprocessor_config.json', {
    size: { shortest_edge: 384 },
    image_mean: [0.5, 0.4, 0.3],
    image_std: [0.1, 0.2, 0.3],
    resample: 2,
  });
  expect((await load(folder)).card).toMatchObject({
    pixels: { mean: [0.5, 0.4, 0.3], std: [0.1, 0.2, 0.3] },
    resize: { inputSize: 384, mode: 'warp', filter: 'bilinear' },
  });
  write('preprocessor_config.json', { size: { height: 64, width: 64 }, do_normalize: false });
  expect((await load(folder)).card).toMatchObject({
    pixels: { mean: [0, 0, 0], std: [1, 1, 1] },
    resize: { inputSize: 64, mode: 'warp' },
  });
  write('preprocessor_config.json', { size: 72, crop_pct: 0.75 });
  expect((await load(folder, { size: 96, crop: 0.9 })).card).toMatchObject({
    resize: { inputSize: 96, cropFraction: 0.9, mode: 'crop' },
  });
  write('preprocessor_config.json', { rescale_factor: 1 });
  await expect(load(folder)).rejects.toThrow('rescale_factor: expected 1/255, got 1');
  write('preprocessor_config.json', { do_resize: false });
  await expect(load(folder)).rejects.toThrow('do_resize: expected true, got false');
  write('preprocessor_config.json', { resample: 1 });
  await expect(load(folder)).rejects.toThrow('resample: expected 2 (bilinear) or 3 (bicubic)');
  write('config.json', { ...config, hidden_act: 'silu' });
  await expect(load(folder)).rejects.toThrow('config.json: hidden_act: expected gelu, got silu');
  write('config.json', { architecture: 'convnextv2_x', model_args: { act_layer: 'silu' } });
  await expect(load(folder)).rejects.toThrow('model_args.act_layer: expected gelu, got silu');
  write('config.json', { architecture: 'convnextv2_x', model_args: { output_stride: 16 } });
  await expect(load(folder)).rejects.toThrow('model_args.output_stride: expected 32, got 16');
  write('config.json', { ...config, hidden_act: 'gelu' });
  await expect(openWeights(join(folder, 'config.json'))).rejects.toThrow(
    'got JSON (an answer of a server, or a configuration: give the weight file or its folder)',
  );
  write('preprocessor_config.json', { image_mean: [1, 2] });
  await expect(load(folder)).rejects.toThrow('image_mean: expected a list of 3, got 2');
  writeFileSync(join(folder, 'config.json'), '{');
  await expect(load(folder)).rejects.toThrow('config.json: expected a configuration as JSON');
  // That of another network is not used.
  write('preprocessor_config.json', {});
  write('config.json', { ...config, depths: [1, 1, 1, 1], id2label: labels });
  const six = { ...NETWORK, numClasses: 6 };
  expect(configOf(join(folder, 'model.safetensors'), six)).toBeUndefined();
  write('config.json', { recipe: 'ours', task: 'classify' });
  expect(configOf(join(folder, 'model.safetensors'), six)).toBeUndefined();
});

test.each<[string, object]>([
  ['convnext_tiny.in12k_ft_in1k', { cropFraction: 0.95 }],
  ['convnext_tiny.in12k_ft_in1k_384', { inputSize: 384, cropFraction: 1, mode: 'warp' }],
  ['convnext_nano.d1h_in1k', { cropFraction: 0.95 }],
  ['convnext_nano.r384_in12k_ft_in1k', { inputSize: 384, cropFraction: 1, mode: 'crop' }],
  ['convnext_base.clip_laion2b_augreg_ft_in1k', { inputSize: 256, cropFraction: 1 }],
  [
    'convnext_base.clip_laion2b_augreg_ft_in12k_in1k_384',
    { inputSize: 384, cropFraction: 1, mode: 'warp', std: [0.26862954, 0.26130258, 0.27577711] },
  ],
  ['convnext_base.clip_laiona_augreg_ft_in1k_384', { inputSize: 384, mode: 'crop' }],
  ['convnext_large_mlp.clip_laion2b_soup_ft_in12k_in1k_320', { inputSize: 320, cropFraction: 1 }],
  ['dinov3_convnext_tiny_pretrain_lvd1689m-21b726bb', { inputSize: 224, cropFraction: 1 }],
  ['convnextv2_tiny_22k_384_ema', { inputSize: 384, cropFraction: 1, mode: 'warp' }],
  ['convnextv2-tiny-22k-384', { inputSize: 384, mode: 'warp' }],
  ['convnextv2_atto.fcmae_ft_in1k', {}],
])('%s has the preprocessing of its name', (name, expected) => {
  const origin = originByName(name);
  expect(origin).toMatchObject(expected);
  if (!name.includes('clip')) expect(origin.mean).toBeUndefined();
});

test('size and scheme say what names do not', () => {
  const architecture = {
    ...({ size: 'tiny', depths: [3, 3, 9, 3], dims: [96, 192, 384, 768] } as const),
    inChannels: 3,
    numClasses: 1000,
    hasNorm: true,
    stageNorms: [],
  };
  const of = (scheme: 'torchvision' | 'hf' | 'timm') =>
    originOf('/x/y.pth', { scheme, architecture });
  const { cropFraction = 0, ...torchvision } = of('torchvision');
  expect(Math.trunc(224 / cropFraction)).toBe(236);
  expect(torchvision).toEqual({ inputSize: 224, mode: 'crop', filter: 'bilinear' });
  expect(of('hf')).toEqual({ headNormEps: 1e-12 });
  expect(of('timm')).toEqual({});
});

test('mean, standard deviation and crop are checked', async () => {
  const { card } = await load(whole, { mean: [0, 0.5, 1], std: [1, 1, 0.5], crop: 1 });
  expect(card).toMatchObject({
    pixels: { mean: [0, 0.5, 1], std: [1, 1, 0.5] },
    resize: { cropFraction: 1, mode: 'crop' },
  });
  for (const [options, message] of [
    [
      { mean: [123.675, 116.28, 103.53] },
      /mean: expected three numbers where 1 is white \(divide those of 0 to 255 by 255\), got 123\.675/,
    ],
    [{ mean: [0.5, 0.5] }, /mean: expected three numbers/],
    [{ mean: 0.5 as never }, /mean: expected three numbers .*got 0\.5/],
    [{ std: [0, 1, 1] }, /std: expected three numbers above 0/],
    [{ std: [NaN, 1, 1] }, /std: expected three numbers above 0/],
    [{ crop: 0 }, /crop: expected a fraction above 0 and up to 1, got 0/],
    [{ crop: 1.5 }, /crop: expected a fraction/],
  ] as const)
    await expect(load(whole, options)).rejects.toThrow(message);
  expect(() => withPreprocessing(card, { crop: 1 }, 'run/best.safetensors')).toThrow(
    'expected a weight file without model card, got run/best.safetensors',
  );
  const segmenter = { ...card, task: 'segment' } as never;
  expect(() => withPreprocessing(segmenter, { crop: 1 })).toThrow(
    'crop: expected a classifier, got the task segment',
  );
});
