import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { encodeModel } from '../../../engine/onnx/encode-model.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../../engine/runtime/compiled.js';
import { besideLoaders, openEngine } from '../../../engine/runtime/engine.js';
import type { OnnxRuntime, Spinning } from '../../../engine/runtime/onnx-runtime.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import { DEFAULT_SESSION_OPTIONS, openSession } from '../../../engine/runtime/onnx-runtime.js';
import { probeLowering } from '../../../engine/runtime/probe.js';
import { expectSame } from '../op-case.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { MODEL, examples, filledStore, images, targetOf } from './small-model.js';

const native = await loadOnnxRuntime();

const IDENTITY = encodeModel({
  name: 'identity',
  nodes: [
    { name: 'copy', op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} },
  ],
  inputs: [{ name: 'x', shape: [2], type: 'float32' }],
  outputs: [{ name: 'y', shape: [2], type: 'float32' }],
  initializers: [],
  opsets: { '': 20 },
});

/** Whether this machine can open the provider. */
async function opens(provider: 'cuda' | 'webgpu'): Promise<unknown> {
  try {
    const options = { ...DEFAULT_SESSION_OPTIONS, provider };
    await (await openSession(native, IDENTITY, options)).release();
    return true;
  } catch (error) {
    return error;
  }
}

describe('a provider that is missing is an error with the remedy', () => {
  test.each([
    ['cuda', 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild'],
    ['webgpu', 'graphics driver'],
  ] as const)('%s', async (provider, remedy) => {
    const result = await opens(provider);
    if (result === true) {
      console.warn(`${provider}: this machine has it, so the error was not provoked`);
      return;
    }
    expect(result).toBeInstanceOf(ConfigError);
    expect((result as Error).message).toContain(`provider ${provider}: expected`);
    expect((result as Error).message).toContain(remedy);
    expect((result as Error).message).toContain('--provider cpu');
    expect((result as Error).cause).toBeDefined();
  });

  test('a compiled program passes it on', async () => {
    if ((await opens('cuda')) === true) return;
    const model = new CompiledProgram(await targetOf(), MODEL.inference, filledStore(), undefined, {
      ...DEFAULT_COMPILE_OPTIONS,
      provider: 'cuda',
    });
    await expect(model.run(images())).rejects.toThrow(ConfigError);
  });

  test('all but cpu with onnxruntime-web', async () => {
    const web: OnnxRuntime = { ...native, kind: 'wasm' };
    const options = { ...DEFAULT_SESSION_OPTIONS, provider: 'webgpu' } as const;
    await expect(openSession(web, IDENTITY, options)).rejects.toThrow(ConfigError);
    await expect(openSession(web, IDENTITY, options)).rejects.toThrow('onnxruntime-node');
  });

  test('an invalid graph is not reported as a provider error', async () => {
    const broken = IDENTITY.slice(0, -5);
    await expect(openSession(native, broken, DEFAULT_SESSION_OPTIONS)).rejects.not.toThrow(
      ConfigError,
    );
  });
});

describe('sessions have their own arena', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  test.each([
    ['', true],
    ['glibc.malloc.hugetlb=1', true],
    ['glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=1099511627776', false],
  ])('with the allocator settings "%s": %s', async (settings, expected) => {
    vi.stubEnv('GLIBC_TUNABLES', settings);
    vi.resetModules();
    const fresh = await import('../../../engine/runtime/onnx-runtime.js');
    const asked: unknown[] = [];
    const create = (_: Uint8Array, options: { readonly enableCpuMemArena: boolean }): object => {
      asked.push(options.enableCpuMemArena);
      return {};
    };
    const InferenceSession = { create } as unknown as OnnxRuntime['ort']['InferenceSession'];
    const runtime = { ...native, ort: { ...native.ort, InferenceSession } };
    await fresh.openSession(runtime, IDENTITY, fresh.DEFAULT_SESSION_OPTIONS);
    expect(asked).toEqual([expected]);
  });
});

describe('the lowering', () => {
  test('is blocked where the native package has the kernels: blocks of 8 or 16', async () => {
    const lowering = await probeLowering(native);
    if (lowering.kind === 'portable') {
      console.warn('this build of ONNX Runtime has no blocked kernels');
      return;
    }
    expect([8, 16]).toContain(lowering.blockSize);
  });

  test('is portable with onnxruntime-web', async () => {
    expect(await probeLowering({ ...native, kind: 'wasm' })).toEqual({ kind: 'portable' });
  });

  test('is portable where the probe fails', async () => {
    const InferenceSession = {
      create: () => Promise.reject(new Error('no such operator')),
    } as unknown as OnnxRuntime['ort']['InferenceSession'];
    const without = { ...native, ort: { ...native.ort, InferenceSession } };
    expect(await probeLowering(without)).toEqual({ kind: 'portable' });
  });
});

describe('onnxruntime-web, the fallback', () => {
  test('is single-threaded and portable', async () => {
    const { runtime, lowering } = await targetOf('wasm');
    expect([runtime.kind, lowering.kind]).toEqual(['wasm', 'portable']);
  });

  test('predicts what onnxruntime-node predicts', async () => {
    const [a, b] = await Promise.all(
      (['native', 'wasm'] as const).map(async (kind) => {
        const model = new CompiledProgram(await targetOf(kind), MODEL.inference, filledStore());
        const first = (await model.run(images(2)))['logits'];
        const copy = { ...first, data: first.data.slice() };
        expect([...(await model.run(images(2)))['logits'].data]).toEqual([...copy.data]);
        await model.release();
        return copy;
      }),
    );
    expectSame('logits', b, a);
  });

  test('trains: loss and every gradient are those of onnxruntime-node', async () => {
    const store = filledStore();
    const run = async (kind: 'native' | 'wasm'): Promise<Float32Array> => {
      const into = new Float32Array(store.values.length).fill(NaN);
      const model = new CompiledProgram(await targetOf(kind), MODEL.training, store, {
        of: 'loss',
        into,
      });
      const { loss } = await model.run(examples());
      await model.release();
      return Float32Array.of(loss.data[0], ...into);
    };
    const [expected, actual] = [await run('native'), await run('wasm')];
    expect(actual[0]).toBeCloseTo(expected[0], 5);
    for (const entry of store.entries) {
      const of = (values: Float32Array): Float32Array => store.view(entry, values.subarray(1));
      // Sums in another order; the deepest gradients collect the roundings of the whole network.
      expectGradient(entry.path, of(actual), of(expected), 1e-4);
    }
  });
});

describe('waiting threads', () => {
  /** Settings that a session is opened with. */
  async function settings(spinning: Spinning): Promise<unknown> {
    let extra: unknown;
    const create = (_model: unknown, options: { readonly extra: unknown }): Promise<object> => {
      extra = options.extra;
      return Promise.resolve({});
    };
    const runtime = { kind: 'native', ort: { InferenceSession: { create } } };
    await openSession(runtime as unknown as OnnxRuntime, IDENTITY, {
      ...DEFAULT_SESSION_OPTIONS,
      spinning,
    });
    return extra;
  }

  test('sleep, or spin for a bounded time and never between runs', async () => {
    expect(await settings(false)).toEqual({ session: { intra_op: { allow_spinning: '0' } } });
    const spinFor = (us: string): unknown => ({
      session: {
        force_spinning_stop: '1',
        intra_op: { allow_spinning: '1', spin_duration_us: us },
      },
    });
    expect(await settings('briefly')).toEqual(spinFor('50'));
    expect(await settings(true)).toEqual(spinFor('200'));
  });

  test('sleep beside loaders, unless spinning was asked for', () => {
    expect(besideLoaders({ threads: 1 })).toEqual({ threads: 1, spinning: false });
    expect(besideLoaders({ spinning: 'briefly' })).toEqual({ spinning: false });
    expect(besideLoaders({ spinning: true })).toEqual({ spinning: true });
    expect(besideLoaders({ kind: 'eager', tfjsBackend: 'cpu' })).not.toHaveProperty('spinning');
  });

  test('sleep as soon as the engine is told to', async () => {
    const engine = await openEngine();
    const store = filledStore();
    const gradients = { of: 'loss', into: new Float32Array(store.values.length) };
    const programs = [
      engine.prepare(MODEL.inference, store),
      engine.prepare(MODEL.training, store, { gradients }),
    ];
    for (const program of programs) expect(program).toHaveProperty('options.spinning', 'briefly');
    await engine.stopSpinning?.();
    for (const program of programs) {
      expect(program).toHaveProperty('options.spinning', false);
      await program.release();
    }
  });

  test('programs go on when their sessions are opened anew', async () => {
    const engine = await openEngine();
    const program = engine.prepare(MODEL.inference, filledStore());
    const before = (await program.run(images())).logits.data.slice();
    expect(program).toHaveProperty('numSessions', 1);
    await engine.stopSpinning?.();
    expect(program).toHaveProperty('numSessions', 0);
    expect((await program.run(images())).logits.data).toEqual(before);
    await program.release();
  });
});
