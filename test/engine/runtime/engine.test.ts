import { describe, expect, test } from 'vitest';
import { ConfigError, ShapeError } from '../../../core/errors.js';
import { DEFAULT_ENGINE, openEngine, type EngineOptions } from '../../../engine/runtime/engine.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { expectSame } from '../op-case.js';
import { MODEL, examples, filledStore, images } from './small-model.js';

const { kind: _kind, ...COMPILED } = DEFAULT_ENGINE as EngineOptions & { kind: 'compiled' };

/** Every engine that any machine has. */
const ENGINES: Readonly<Record<string, EngineOptions>> = {
  'ONNX Runtime': DEFAULT_ENGINE,
  'standard operators': { kind: 'compiled', ...COMPILED, lowering: 'portable' },
  'onnxruntime-web': { kind: 'compiled', ...COMPILED, runtime: 'wasm' },
  'one thread': { kind: 'compiled', ...COMPILED, threads: 1 },
  'tfjs cpu': { kind: 'eager', tfjsBackend: 'cpu' },
};

const logits = async (options: EngineOptions): Promise<HostTensor> => {
  const engine = await openEngine(options);
  const program = engine.prepare(MODEL.inference, filledStore());
  const { logits: result } = await program.run(images(2));
  await program.release();
  return { ...result, data: result.data.slice() };
};

describe.each(Object.entries(ENGINES))('the engine %s', (name, options) => {
  test('predicts what eager cpu predicts', async () => {
    expectSame('logits', await logits(options), await logits(ENGINES['tfjs cpu']));
  });

  test('has the gradients of the default engine', async () => {
    const store = filledStore();
    const gradients = async (of: EngineOptions): Promise<Float32Array> => {
      const into = new Float32Array(store.values.length).fill(NaN);
      const program = (await openEngine(of)).prepare(MODEL.training, store, {
        gradients: { of: 'loss', into },
      });
      await program.run(examples());
      await program.release();
      return into;
    };
    const [actual, expected] = [await gradients(options), await gradients(DEFAULT_ENGINE)];
    for (const entry of store.entries)
      expectGradient(entry.path, store.view(entry, actual), store.view(entry, expected), 1e-4);
  });

  test('writes an output to the given view, also in the middle of a larger array', async () => {
    const expected = await logits(options);
    const program = (await openEngine(options)).prepare(MODEL.inference, filledStore());
    const memory = new Float32Array(expected.data.length + 2).fill(7);
    const data = memory.subarray(1, -1);
    const outputs = await program.run(images(2), { logits: data });
    expect(outputs['logits'].data).toBe(data);
    expect(outputs['logits'].shape).toEqual(expected.shape);
    expect([...memory]).toEqual([7, ...expected.data, 7]);
    const wrong = (into: Record<string, Float32Array>): Promise<unknown> =>
      program.run(images(2), into);
    await expect(wrong({ logits: memory })).rejects.toThrow(ShapeError);
    await expect(wrong({ logits: memory })).rejects.toThrow(
      /expected room for 6 values of logits \[2, 3\], got 8/,
    );
    await expect(wrong({ scores: data })).rejects.toThrow(ConfigError);
    await expect(wrong({ scores: data })).rejects.toThrow(/one of .*logits.*, got scores/);
    // Without the array again.
    expect([...(await program.run(images(2)))['logits'].data]).toEqual([...expected.data]);
    expect([...memory]).toEqual([7, ...expected.data, 7]);
    await program.release();
  });

  test('describes itself in one line', async () => {
    const { description } = await openEngine(options);
    expect(description).toContain(name === 'one thread' ? 'ONNX Runtime' : name);
    expect(description).not.toContain('\n');
  });
});

test('an unknown tfjs backend is rejected', async () => {
  const open = (tfjsBackend: string): Promise<unknown> =>
    openEngine({ kind: 'eager', tfjsBackend });
  await expect(open('abacus')).rejects.toThrow(ConfigError);
  await expect(open('abacus')).rejects.toThrow(/expected .*cpu.* got abacus/);
  await expect(open('convnextv2-capture')).rejects.toThrow(ConfigError);
});

test('an engine opens with some of its options, and names an unknown provider', async () => {
  const engine = await openEngine({ threads: 1 });
  expect(await openEngine(engine)).toBe(engine);
  expect(engine.description).toMatch(/cpu|onnxruntime-web/);
  await expect(openEngine({ provider: 'gpu' as 'cpu' })).rejects.toThrow(
    /^engine\.provider: expected cpu, webgpu, cuda, openvino, got gpu/,
  );
});
