import { expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { toLibraryLayout } from '../helpers/layout.js';
import type { Layout } from '../../weights/layout.js';
import { loadTensors, loadWeights, type ParameterTarget } from '../../weights/load.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { reshaped, tensorOf, type LazyTensor } from '../../io/tensor.js';
import { smallNetwork } from './small-network.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { dict, floats, tensor, torchZip } from '../io/torch/torch-file.js';

const { path, put } = temporaryFolder();

/** Parameters as a model of this library has them: own layouts, GRN `[4C]`, filled with −9. */
function targetsFor(network: ReadonlyMap<string, LazyTensor>, prefix = ''): ParameterTarget[] {
  return [...network].map(([name, { shape }]) => {
    const layout: Layout = name.endsWith('dwconv.weight')
      ? 'depthwise'
      : shape.length === 4 && name.endsWith('weight')
        ? 'conv'
        : shape.length === 2
          ? 'linear'
          : 'vector';
    const [a, b, c, d] = shape;
    const own = {
      depthwise: [c, d, a, b],
      conv: [c, d, b, a],
      linear: [b, a],
      vector: [shape.at(-1) ?? 1],
    };
    const size = shape.reduce((x, y) => x * y, 1);
    const values = new Float32Array(size).fill(-9);
    return { path: prefix + name, shape: own[layout as keyof typeof own], layout, values };
  });
}

const isUntouched = ({ values }: ParameterTarget) => values.every((value) => value === -9);

test('every parameter is filled in the layout of this library', async () => {
  const network = smallNetwork();
  const targets = targetsFor(network);
  const report = await loadTensors('f', network, targets);
  expect(report).toEqual({ loaded: [...network.keys()], kept: [], dropped: [] });
  for (const { path: name, layout, values } of targets) {
    const { shape, values: stored } = network.get(name) as ReturnType<
      typeof smallNetwork
    > extends Map<string, infer T>
      ? T
      : never;
    expect([name, values]).toEqual([name, toLibraryLayout(stored, shape, layout)]);
  }
});

test('new parameters are filled one by one with the same values, reading into memory that is used again', async () => {
  const network = smallNetwork();
  await writeSafetensors(
    path('w.safetensors'),
    [...network].map(([name, { shape, values }]) => ({ name, dtype: 'F32', shape, data: values })),
  );
  const [strict, fresh] = [targetsFor(network), targetsFor(network)];
  const report = await loadWeights(path('w.safetensors'), strict);
  expect(await loadWeights(path('w.safetensors'), fresh, { isNew: true })).toEqual(report);
  expect(fresh).toEqual(strict);
  expect(fresh.some(isUntouched)).toBe(false);
});

test.each(['F64', 'F32', 'F16', 'BF16'] as const)(
  'neighbors in one buffer are filled from %s, each within its place',
  async (dtype) => {
    const bits = { F16: [0x3c00, 0x4000], BF16: [0x3f80, 0x4000] }; // 1 and 2
    const sizes = [3, 1, 5];
    const data = sizes.map((size, k) => {
      const value = 1 + (k % 2);
      if (dtype === 'F64') return new Float64Array(size).fill(value);
      if (dtype === 'F32') return new Float32Array(size).fill(value);
      return new Uint16Array(size).fill(bits[dtype][k % 2]);
    });
    const file = path(`${dtype}.safetensors`);
    const tensors = data.map((values, k) => ({
      name: `own.${k}`,
      dtype,
      shape: [sizes[k]],
      data: values,
    }));
    await writeSafetensors(file, tensors);
    const all = new Float32Array(11).fill(-9);
    let offset = 1;
    const targets = sizes.map((size, k) => ({
      path: `own.${k}`,
      shape: [size],
      layout: 'vector' as const,
      values: all.subarray(offset, (offset += size)),
    }));
    await loadWeights(file, targets, { isNew: true });
    expect([...all]).toEqual([-9, 1, 1, 1, 2, 1, 1, 1, 1, 1, -9]);
  },
);

test('new parameters of a file with NaN are refused, all tensors being named', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(network);
  network.set('norm.bias', tensorOf(new Float32Array(5).fill(NaN), [5]));
  network.set('head.bias', tensorOf(new Float32Array(6).fill(-Infinity), [6]));
  await expect(loadTensors('f', network, targets, { isNew: true })).rejects.toThrow(
    'f: expected finite weights, got NaN or Inf in norm.bias, head.bias',
  );
});

test('all differences are listed at once and nothing is written', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(network);
  network.delete('norm.bias');
  network.delete('stages.1.1.grn.gamma');
  network.set('extra.weight', tensorOf(new Float32Array(1), [1]));
  network.set('head.bias', tensorOf(new Float32Array(7), [7]));
  const error = await loadTensors('f.pt', network, targets).catch(
    (caught: unknown) => caught as Error,
  );
  expect(error).toBeInstanceOf(WeightsError);
  expect((error as Error).message).toBe(
    "f.pt: expected the model's parameters, got differences: missing stages.1.1.grn.gamma; missing norm.bias; head.bias: expected [6], got [7]; unexpected extra.weight",
  );
  expect(targets.every(isUntouched)).toBe(true);
});

test('a transposed linear weight is a wrong shape', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(network);
  network.set('head.weight', reshaped(network.get('head.weight') as LazyTensor, [5, 6]));
  await expect(loadTensors('f', network, targets)).rejects.toThrow(
    'head.weight: expected [6, 5], got [5, 6]',
  );
});

test.each([NaN, Infinity, -Infinity])(
  'a weight of %d is an error that names the tensor',
  async (bad) => {
    const network: Map<string, LazyTensor> = smallNetwork();
    const targets = targetsFor(network);
    network.set('norm.bias', tensorOf(Float32Array.of(0, 0, 0, 0, bad), [5]));
    await expect(loadTensors('f', network, targets)).rejects.toThrow(
      'f: expected finite weights, got NaN or Inf in norm.bias',
    );
    expect(targets.every(isUntouched)).toBe(true);
  },
);

test('a target of the wrong length is an error before anything is written', async () => {
  const network = smallNetwork();
  const targets = targetsFor(network);
  targets[0] = { ...targets[0], values: new Float32Array(1) };
  await expect(loadTensors('f', network, targets)).rejects.toThrow('room for 96 values, got 1');
});

test('newHead keeps the initial head, whatever the file has', async () => {
  const network = smallNetwork();
  const targets = targetsFor(smallNetwork({ numClasses: 3 }));
  await expect(loadTensors('f', network, targets)).rejects.toThrow(
    'head.weight: expected [3, 5], got [6, 5]',
  );
  const report = await loadTensors('f', network, targets, { exceptions: ['newHead'] });
  expect(report.kept).toEqual(['head.weight', 'head.bias']);
  expect(report.dropped).toEqual(['head.weight', 'head.bias']);
  expect(targets.filter(isUntouched).map((target) => target.path)).toEqual([
    'head.weight',
    'head.bias',
  ]);
  const headless = smallNetwork({ numClasses: undefined });
  const { dropped } = await loadTensors('f', headless, targetsFor(network), {
    exceptions: ['newHead'],
  });
  expect(dropped).toEqual([]);
});

test('newHead excuses nothing but the head', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(network);
  network.delete('norm.bias');
  await expect(loadTensors('f', network, targets, { exceptions: ['newHead'] })).rejects.toThrow(
    'missing norm.bias',
  );
});

test('encoderOnly loads an autoencoder into a backbone behind a prefix', async () => {
  const encoder: Map<string, LazyTensor> = smallNetwork({ numClasses: undefined, hasNorm: false });
  const names = [...encoder.keys()];
  const decoder = ['mask_token', 'proj.weight', 'proj.bias', 'decoder.0.grn.gamma', 'pred.bias'];
  for (const name of decoder) encoder.set(name, tensorOf(new Float32Array(1), [1]));
  const backbone = smallNetwork({
    numClasses: undefined,
    hasNorm: false,
    stageNorms: [0, 1, 2, 3],
  });
  const targets = targetsFor(backbone, 'backbone.');
  const sourceName = (name: string) => name.replace(/^backbone\./, '');
  await expect(loadTensors('f', encoder, targets, { sourceName })).rejects.toThrow(
    /missing norm0\.weight;.*unexpected mask_token/,
  );
  const report = await loadTensors('f', encoder, targets, {
    exceptions: ['encoderOnly'],
    sourceName,
  });
  expect(report.dropped).toEqual(decoder);
  expect(report.kept).toEqual(
    [0, 1, 2, 3].flatMap((s) => [`backbone.norm${s}.weight`, `backbone.norm${s}.bias`]),
  );
  expect(report.loaded).toEqual(names.map((name) => `backbone.${name}`));
});

test('encoderOnly takes the encoder of a classifier, but no unknown names', async () => {
  const classifier: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(smallNetwork({ numClasses: undefined, hasNorm: false }));
  const { dropped } = await loadTensors('f', classifier, targets, { exceptions: ['encoderOnly'] });
  expect(dropped).toEqual(['norm.weight', 'norm.bias', 'head.weight', 'head.bias']);
  classifier.set('stages.0.0.extra', tensorOf(new Float32Array(1), [1]));
  classifier.set('neck.weight', tensorOf(new Float32Array(1), [1]));
  await expect(
    loadTensors('f', classifier, targets, { exceptions: ['encoderOnly'] }),
  ).rejects.toThrow('unexpected stages.0.0.extra; unexpected neck.weight');
});

test('counters of batch normalization are dropped and named', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const targets = targetsFor(network);
  network.set('bn.num_batches_tracked', tensorOf(new Float32Array(1), []));
  expect((await loadTensors('f', network, targets)).dropped).toEqual(['bn.num_batches_tracked']);
});

test('loadWeights reads a file and chooses the EMA', async () => {
  const value = (key: string) => tensor({ key, numel: 2, shape: [2], strides: [1] });
  const file = await put(
    'both.pth',
    torchZip(
      dict({ model: dict({ 'fc.bias': value('0') }), model_ema: dict({ 'fc.bias': value('1') }) }),
      {
        0: floats(1, 2),
        1: floats(3, 4),
      },
    ),
  );
  const values = new Float32Array(2);
  const target: ParameterTarget = { path: 'fc.bias', shape: [2], layout: 'vector', values };
  await loadWeights(file, [target]);
  expect([...values]).toEqual([1, 2]);
  await loadWeights(file, [target], { which: 'model_ema' });
  expect([...values]).toEqual([3, 4]);
  const plain = path('plain.safetensors');
  await writeSafetensors(plain, [{ name: 'fc.bias', dtype: 'F32', shape: [2], data: values }]);
  await expect(loadWeights(plain, [target], { which: 'model_ema' })).rejects.toThrow(
    'expected weights "model_ema", got [fc]',
  );
});
