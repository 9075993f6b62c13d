import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withWeights } from '../../weights/open.js';
import { selectWeights } from '../../weights/select.js';
import { toFloat32 } from '../../io/tensor.js';
import { discoverFixtures } from '../helpers/fixtures.js';

interface TrainingFixture {
  readonly files: readonly string[];
  readonly strides: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[] }>
  >;
  readonly scalar_int64: string;
  readonly epoch: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const DTYPES: Readonly<Record<string, string>> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint8': 'U8',
  'torch.bool': 'BOOL',
};

const fixtures = discoverFixtures<TrainingFixture>('pth_training');

describe('full training checkpoints of PyTorch', () => {
  const cases = fixtures.flatMap((fixture) =>
    fixture.json.files.map((file) => [file, join(fixture.folder, file), fixture] as const),
  );

  test.each(cases)('%s: every stored tensor is read exactly', (_, file, { tensors }) =>
    withWeights(file, async (source) => {
      expect(tensors.size).toBeGreaterThan(0);
      for (const [name, { shape, data }] of tensors) {
        const tensor = source.tensors.get(name);
        expect([name, tensor?.shape]).toEqual([name, shape]);
        const values = tensor && (await tensor.read());
        const read = data instanceof Float32Array && values ? toFloat32(values) : values;
        expect([name, read]).toEqual([name, data]);
      }
    }),
  );

  test.each(cases)('%s: dtypes and shapes are those that PyTorch wrote', (_, file, { json }) =>
    withWeights(file, async (source) => {
      const { tensors } = selectWeights(source, 'model');
      expect([...tensors.keys()].sort()).toEqual(Object.keys(json.strides).sort());
      for (const [name, { dtype, shape }] of Object.entries(json.strides)) {
        const tensor = tensors.get(name);
        expect([name, tensor?.dtype, tensor?.shape]).toEqual([name, DTYPES[dtype], shape]);
        expect((await tensor?.read())?.length).toBe(shape.reduce((a, b) => a * b, 1));
      }
    }),
  );

  test.each(cases)('%s: a 64-bit integer keeps all its digits', (_, file, { json }) =>
    withWeights(file, async (source) => {
      const values = await selectWeights(source).tensors.get('scalar_int64')?.read();
      expect(values).toEqual(BigInt64Array.of(BigInt(json.scalar_int64)));
    }),
  );

  test.each(cases)('%s: epoch and arguments are plain data', (_, file, { json }) =>
    withWeights(file, (source) => {
      expect(source.plain['epoch']).toBe(json.epoch);
      expect(source.plain['args']).toMatchObject(json.args);
      return Promise.resolve();
    }),
  );

  test.each(cases)('%s: the EMA is chosen on demand', (_, file, { tensors }) =>
    withWeights(file, async (source) => {
      const prefix = 'model_ema.';
      const names = [...tensors.keys()].filter((name) => name.startsWith(prefix));
      const chosen = selectWeights(source, 'model_ema').tensors;
      expect([...chosen.keys()].sort()).toEqual(names.map((n) => n.slice(prefix.length)).sort());
      for (const name of names) {
        const values = await chosen.get(name.slice(prefix.length))?.read();
        expect(values).toEqual(tensors.get(name)?.data);
      }
    }),
  );
});
