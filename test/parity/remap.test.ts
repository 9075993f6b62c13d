import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { convertWeights, toScheme } from '../../weights/convert.js';
import { float16ToFloat32, float32ToFloat16 } from '../../core/half.js';
import { withWeights } from '../../weights/open.js';
import { toCanonical } from '../../weights/schemes/canonical.js';
import { isDecoderName } from '../../weights/schemes/names.js';
import { selectWeights } from '../../weights/select.js';
import { toFloat32, type TensorMap } from '../../io/tensor.js';
import {
  discoverFixtures,
  readTensors,
  type Fixture,
  type FixtureTensor,
} from '../helpers/fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-remap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names, shapes and every bit of the values. */
async function expectEqual(
  actual: TensorMap,
  expected: ReadonlyMap<string, FixtureTensor>,
  round: (values: Float32Array) => Float32Array = (values) => values,
): Promise<void> {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { shape, data }] of expected) {
    const tensor = actual.get(name);
    expect([name, tensor?.shape]).toEqual([name, shape]);
    const values = tensor ? toFloat32(await tensor.read()) : new Float32Array();
    expect([name, sameBits(values, round(data as Float32Array))]).toEqual([name, true]);
  }
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bits = (values: Float32Array) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return bits(a).equals(bits(b));
}

interface BackboneFixture {
  readonly weights: Readonly<Record<string, string>>;
  readonly timm_conv_mlp_shapes?: Readonly<Record<string, readonly number[]>>;
}

const backbones = discoverFixtures<BackboneFixture>('backbone').filter(
  ({ json }) => typeof json.weights === 'object',
);

/** The container that the tests' own reader understands, under official names. */
function reference({
  folder: at,
  json,
}: Fixture<BackboneFixture>): ReadonlyMap<string, FixtureTensor> {
  const found = Object.values(json.weights)
    .filter((file) => file.endsWith('.safetensors'))
    .map((file) => readTensors(join(at, file)))
    .find((tensors) => tensors.has('downsample_layers.0.0.weight'));
  if (!found) throw new Error('expected a safetensors file with official names');
  return found;
}

describe('one network in several containers and schemes', () => {
  const cases = backbones.flatMap((fixture) =>
    Object.entries(fixture.json.weights).map(
      ([what, file]) => [`${fixture.name}: ${what}`, join(fixture.folder, file), fixture] as const,
    ),
  );

  test.each(cases)('%s is the same network', (_, file, fixture) =>
    withWeights(file, async (source) => {
      const { tensors } = selectWeights(source);
      const isHalf = [...tensors.values()].some(({ dtype }) => dtype === 'F16');
      await expectEqual(
        toCanonical(file, tensors).tensors,
        reference(fixture),
        isHalf ? (values) => float16ToFloat32(float32ToFloat16(values)) : undefined,
      );
    }),
  );

  test.each(cases)('%s survives conversion to every dense scheme', async (_, file, fixture) => {
    const isHalf = await withWeights(file, ({ tensors }) =>
      Promise.resolve([...tensors.values()].some(({ dtype }) => dtype === 'F16')),
    );
    for (const scheme of ['official', 'timm', 'hf'] as const) {
      for (const timmConvMlp of [true, false]) {
        const output = join(folder, `${scheme}.safetensors`);
        const { dropped } = await convertWeights(file, output, { scheme, timmConvMlp });
        expect(dropped).toEqual([]);
        await withWeights(output, async (source) => {
          const canonical = toCanonical(output, source.tensors);
          expect(canonical.scheme).toBe(scheme);
          await expectEqual(
            canonical.tensors,
            reference(fixture),
            isHalf ? (values) => float16ToFloat32(float32ToFloat16(values)) : undefined,
          );
        });
      }
    }
  });

  test.each(backbones.map((fixture) => [fixture.name, fixture] as const))(
    '%s: conversion gives the files of timm and Hugging Face',
    async (_, fixture) => {
      const tensors = new Map(
        [...reference(fixture)].map(([name, { shape, data }]) => [
          name,
          { dtype: 'F32' as const, shape, read: () => Promise.resolve(data) },
        ]),
      );
      for (const file of Object.values(fixture.json.weights)) {
        if (!file.endsWith('.safetensors')) continue;
        const theirs = readTensors(join(fixture.folder, file));
        const scheme = theirs.has('stem.0.weight')
          ? 'timm'
          : theirs.has('classifier.bias')
            ? 'hf'
            : 'official';
        await expectEqual(toScheme(file, tensors, scheme, false).named, theirs);
      }
      const shapes = fixture.json.timm_conv_mlp_shapes;
      if (!shapes) return;
      const { named } = toScheme(fixture.name, tensors, 'timm', true);
      expect(Object.fromEntries([...named].map(([name, { shape }]) => [name, shape]))).toEqual(
        shapes,
      );
    },
  );
});

interface FcmaeFixture {
  readonly weights: Readonly<Record<string, string>>;
  readonly sparse_shapes: Readonly<Record<string, readonly number[]>>;
}

const autoencoders = discoverFixtures<FcmaeFixture>('fcmae');

describe('the sparse encoder and its dense form', () => {
  const cases = autoencoders.map((fixture) => {
    const files = Object.values(fixture.json.weights).map((file) => join(fixture.folder, file));
    const sparse = files.find((file) => file.endsWith('.pth')) ?? '';
    const dense = files.find((file) => file.endsWith('.safetensors')) ?? '';
    return [fixture.name, sparse, dense, fixture.json] as const;
  });

  test.each(cases)('%s: sparse to dense is the official remap', (_, sparse, dense) =>
    withWeights(sparse, async (source) => {
      const { scheme, tensors } = toCanonical(sparse, selectWeights(source).tensors);
      expect(scheme).toBe('sparse');
      const encoder = new Map([...tensors].filter(([name]) => !isDecoderName(name)));
      await expectEqual(encoder, readTensors(dense));
    }),
  );

  test.each(cases)(
    '%s: dense to sparse gives the original back',
    async (_, sparse, dense, json) => {
      const output = join(folder, 'sparse.safetensors');
      await convertWeights(dense, output, { scheme: 'sparse' });
      await withWeights(sparse, async (source) => {
        const { tensors } = selectWeights(source);
        const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
        expect(shapes).toEqual(json.sparse_shapes);
        const written = readTensors(output);
        const encoder = new Map([...tensors].filter(([name]) => name.startsWith('encoder.')));
        await expectEqual(encoder, written);
      });
    },
  );

  test.each(cases)(
    '%s: conversion drops the decoder, and says so',
    async (_, sparse, dense, json) => {
      const output = join(folder, 'dense.safetensors');
      const { dropped } = await convertWeights(sparse, output, { scheme: 'official' });
      const decoder = Object.keys(json.sparse_shapes).filter(
        (name) => !name.startsWith('encoder.'),
      );
      expect([...dropped].sort()).toEqual(decoder.sort());
      expect(readTensors(output)).toEqual(readTensors(dense));
    },
  );

  test.each(cases)('%s: sparse to sparse keeps the decoder', async (_, sparse, _dense, json) => {
    const output = join(folder, 'whole.safetensors');
    await convertWeights(sparse, output, { scheme: 'sparse' });
    await withWeights(sparse, async (source) =>
      expectEqual(selectWeights(source).tensors, readTensors(output)),
    );
    expect(readTensors(output).size).toBe(Object.keys(json.sparse_shapes).length);
  });
});
