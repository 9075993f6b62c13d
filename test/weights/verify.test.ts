import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { convertWeights, toScheme } from '../../weights/convert.js';
import { inspectWeights } from '../../inference/inspect.js';
import { withWeights } from '../../weights/open.js';
import { writeRecord } from '../../weights/record.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { tensorOf, type LazyTensor, type TensorMap } from '../../io/tensor.js';
import { explained, summarizeWeights, verifyValues } from '../../weights/verify.js';
import { smallNetwork } from './small-network.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { call, dict, floats, global, tensor, torchZip } from '../io/torch/torch-file.js';

const { path, put } = temporaryFolder();

async function save(name: string, tensors: TensorMap): Promise<string> {
  const file = path(name);
  await writeSafetensors(
    file,
    [...tensors].map(([tensor, { shape, read }]) => ({
      name: tensor,
      dtype: 'F32',
      shape,
      data: read,
    })),
  );
  return file;
}

let sound: string;
beforeAll(async () => {
  sound = await save('sound.safetensors', smallNetwork());
});

test('a valid file is summarized', async () => {
  const numValues = [...smallNetwork().values()].reduce(
    (sum, { values }) => sum + values.length,
    0,
  );
  expect({
    ...(await summarizeWeights(sound)),
    ...(await verifyValues(sound)),
  }).toMatchObject({
    container: 'safetensors',
    scheme: 'official',
    version: 2,
    architecture: { depths: [1, 2, 1, 1], dims: [2, 3, 4, 5], numClasses: 6 },
    numParameters: numValues,
    hasDecoder: false,
    recorded: false,
  });
});

test('a network with missing, foreign or misshapen tensors is an error that lists them', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  network.delete('norm.bias');
  network.set('stages.0.0.dwconv.weight', tensorOf(new Float32Array(2), [2]));
  network.set('aux.weight', tensorOf(new Float32Array(2), [2]));
  const file = await save('wrong.safetensors', network);
  await expect(summarizeWeights(file)).rejects.toThrow(
    'stages.0.0.dwconv.weight: expected [2, 1, 7, 7], got [2]; missing norm.bias; unexpected aux.weight',
  );
  await expect(summarizeWeights(sound, { size: 'tiny' })).rejects.toThrow(
    'expected a network of size tiny, got another',
  );
});

test('values that are no tensors are named with their class', () => {
  const tensors = new Map<string, LazyTensor>(smallNetwork());
  tensors.delete('head.weight');
  const source = {
    file: 'f.pth',
    container: 'torch-zip',
    plain: { model: { 'head.weight': 'numpy.ndarray' }, note: 'none' },
    tensors: new Map([...tensors].map(([name, tensor]) => [`model.${name}`, tensor])),
    close: () => Promise.resolve(),
  } as const;
  const fail = (): never => {
    throw new WeightsError('no network');
  };
  expect(() => explained(source, undefined, 'official', fail)).toThrow(
    'no network; no dense tensors: head.weight (numpy.ndarray)',
  );
  const sparse = new Map([...source.tensors]);
  sparse.set('model.head.weight', { ...tensorOf(new Float32Array(1), []), unreadable: 'sparse' });
  expect(() =>
    explained({ ...source, plain: {}, tensors: sparse }, undefined, 'official', fail),
  ).toThrow('no network; no dense tensors: head.weight (sparse)');
  expect(() => explained({ ...source, plain: {} }, undefined, 'official', fail)).toThrow(
    / names are official; the file is incomplete, or of a variant with other layers; save the whole/,
  );
});

test('NaN is found by reading the values', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  network.set('head.bias', tensorOf(Float32Array.of(0, NaN, 0, 0, 0, 0), [6]));
  const file = await save('nan.safetensors', network);
  await expect(verifyValues(file)).rejects.toThrow('got NaN or Inf in head.bias');
  const output = path('nan-out.safetensors');
  await expect(convertWeights(file, output, { scheme: 'hf' })).rejects.toThrow(
    'NaN or Inf in classifier.bias',
  );
  await expect(readFile(output)).rejects.toThrow('ENOENT');
});

test('a recorded file that changed is an error', async () => {
  const file = await save('changed.safetensors', smallNetwork());
  const { sha256, bytes } = await verifyValues(file);
  const record = {
    url: null,
    bytes,
    sha256,
    etag: null,
    lastModified: null,
    licence: null,
    recordedAt: '',
  };
  await writeRecord(file, record);
  expect((await verifyValues(file)).recorded).toBe(true);
  const content = await readFile(file);
  content[content.length - 1] ^= 1; // the lowest bit that matters: the file stays readable
  await writeFile(file, content);
  await expect(verifyValues(file)).rejects.toThrow(`expected sha256 ${sha256} as recorded`);
  await writeRecord(file, { ...record, bytes: 1 });
  await expect(verifyValues(file)).rejects.toThrow('expected 1 bytes as recorded');
  await writeFile(`${file}.json`, '{');
  await expect(verifyValues(file)).rejects.toThrow('expected a record with sha256 and bytes');
});

test('half precision is written where asked for, and rejected where it overflows', async () => {
  const output = path('half.safetensors');
  const { bytes } = await convertWeights(sound, output, { scheme: 'official', dtype: 'F16' });
  expect(bytes).toBeLessThan((await readFile(sound)).byteLength);
  await withWeights(output, ({ tensors }) => {
    expect([...tensors.values()].every(({ dtype }) => dtype === 'F16')).toBe(true);
    return Promise.resolve();
  });
  const network: Map<string, LazyTensor> = smallNetwork();
  network.set('head.bias', tensorOf(Float32Array.of(0, 1e5, 0, 0, 0, 0), [6]));
  const file = await save('wide.safetensors', network);
  await expect(convertWeights(file, output, { scheme: 'official', dtype: 'F16' })).rejects.toThrow(
    'expected values up to 65504 for half precision in head.bias',
  );
});

test('conversion names what a scheme has no place for', async () => {
  const { dropped } = await convertWeights(sound, path('sparse.safetensors'), { scheme: 'sparse' });
  expect(dropped).toEqual(['norm.weight', 'norm.bias', 'head.weight', 'head.bias']);
  const withNorms = smallNetwork({ stageNorms: [0] });
  expect(() => toScheme('f', withNorms, 'timm')).toThrow(
    'f: expected names that timm has, got norm0.weight',
  );
});

test('inspect shows what is there, known or not', async () => {
  const known = await inspectWeights(sound);
  expect(known.network).toMatchObject({ scheme: 'official', architecture: { numClasses: 6 } });
  expect(known.groups).toEqual({ downsample_layers: 16, stages: 50, norm: 2, head: 2 });
  expect(known.dtypes).toEqual({ F32: 70 });
  const file = await save(
    'other.safetensors',
    new Map([['fc.bias', tensorOf(new Float32Array(2), [2])]]),
  );
  expect(await inspectWeights(file)).toMatchObject({
    tensors: [{ name: 'fc.bias', dtype: 'F32', shape: [2] }],
    network: { problem: expect.stringContaining('expected ConvNeXt names') as unknown },
  });
  await expect(inspectWeights(await put('junk', 'junk'))).rejects.toThrow(
    'expected safetensors or a torch file',
  );
});

test('a parameter that is no tensor is named with its class', async () => {
  const w = tensor({ key: '0', numel: 1, shape: [1], strides: [1] });
  const array = call(global('numpy.core.multiarray', '_reconstruct'));
  const stem = 'downsample_layers.0.0.weight';
  const data = { model: dict({ [stem]: w, 'norm.weight': array }) };
  const file = await put('array.pt', torchZip(dict(data), { 0: floats(1) }));
  await expect(summarizeWeights(file)).rejects.toThrow(
    /got none; no dense tensors: norm\.weight \(numpy\.ndarray\); 1 of 1 names are official; the file is incomplete/,
  );
});
