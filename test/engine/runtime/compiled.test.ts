import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ConfigError, ShapeError } from '../../../core/errors.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { TensorTree } from '../../../engine/parameters/tensors.js';
import type { CompileOptions } from '../../../engine/runtime/compiled.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../../engine/runtime/compiled.js';
import { EagerProgram } from '../../../engine/runtime/eager.js';
import { SessionMemory } from '../../../engine/runtime/session-memory.js';
import type { HostTensors, Program } from '../../../engine/runtime/program.js';
import { expectSame, floats, integers } from '../op-case.js';
import { MODEL, examples, filledStore, images, targetOf } from './small-model.js';

const target = await targetOf();

const inference = (options: Partial<CompileOptions> = {}, store = filledStore()): CompiledProgram =>
  new CompiledProgram(target, MODEL.inference, store, undefined, {
    ...DEFAULT_COMPILE_OPTIONS,
    ...options,
  });

const logits = async (program: CompiledProgram, inputs: HostTensors): Promise<number[]> => [
  ...(await program.run(inputs))['logits'].data,
];

/** A program without parameters. */
const program = (forward: Program['forward']): CompiledProgram =>
  new CompiledProgram(target, { name: 'test', forward }, new ParameterStore({}));

/** A program whose graph has another structure for every number of values, but nearly the same size. */
const CHAIN: Program = {
  name: 'chain',
  forward: (_params, { x }) => {
    const operations = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const;
    return { logits: x.add(1)[operations[x.shape[0] % 6]](x.square()) };
  },
};

/** Input for {@link CHAIN}. */
const line = (n: number): HostTensors => ({
  x: floats(
    [n],
    Array.from({ length: n }, (_, i) => i + 2),
  ),
});

const chain = (memory: SessionMemory, compiler = target): CompiledProgram =>
  new CompiledProgram(compiler, CHAIN, new ParameterStore({}), undefined, {
    ...DEFAULT_COMPILE_OPTIONS,
    memory,
  });

/** Estimate for one session of the chain. */
const sessionBytes = await (async () => {
  const memory = new SessionMemory(Infinity);
  const model = chain(memory);
  await model.run(line(1));
  const { bytes } = memory;
  await model.release();
  return bytes;
})();

/** A model with memory for some sessions of equal size, and which sessions it opened and released. */
function counted(maxSessions: number): {
  readonly model: CompiledProgram;
  readonly opened: readonly number[];
  readonly released: readonly number[];
} {
  const memory = new SessionMemory((maxSessions + 0.5) * sessionBytes);
  const opened: number[] = [];
  const released: number[] = [];
  const { ort } = target.runtime;
  const counting = {
    ...ort,
    Tensor: ort.Tensor,
    InferenceSession: {
      create: async (...args: Parameters<typeof ort.InferenceSession.create>) => {
        const session = await ort.InferenceSession.create(...args);
        const id = opened.length + 1;
        opened.push(id);
        const release = session.release.bind(session);
        session.release = (): Promise<void> => {
          released.push(id);
          return release();
        };
        return session;
      },
    },
  } as unknown as typeof ort;
  const model = chain(memory, { ...target, runtime: { ...target.runtime, ort: counting } });
  return { model, opened, released };
}

/** Heights and widths. */
const SIZES = [
  [32, 32],
  [32, 64],
  [64, 32],
  [64, 96],
  [96, 64],
  [64, 64],
] as const;

describe('sessions', () => {
  test('are shared by runs of equal shapes, and of others if only sizes differ', async () => {
    const model = inference();
    await model.run(images(1));
    await model.run(images(1, 32, 32, 9));
    expect(model.numSessions).toBe(1);
    for (const [height, width] of SIZES) await model.run(images(1, height, width));
    // Where a stage has one pixel, or few against its channels, the graph has other operations.
    expect(model.numSessions).toBeLessThan(SIZES.length);
    await model.release();
    expect(model.numSessions).toBe(0);
  });

  test.each(['own', 'shared'] as const)(
    'of many sizes compute the bits of one session for each, in any order: %s weights',
    async (weights) => {
      const store = filledStore();
      const options = { frozen: weights === 'own' };
      const alone: number[][] = [];
      for (const [height, width] of SIZES) {
        const model = inference(options, store);
        alone.push(await logits(model, images(1, height, width)));
        await model.release();
      }
      for (const order of [SIZES.map((_, i) => i), [4, 0, 3, 1, 2, 5, 0, 1]]) {
        const model = inference(options, store);
        for (const i of order) {
          const [height, width] = SIZES[i];
          expect(await logits(model, images(1, height, width))).toEqual(alone[i]);
        }
        await model.release();
      }
    },
  );

  test('of many sizes compute the same gradients', async () => {
    const store = filledStore();
    const into = new Float32Array(store.values.length);
    const training = (): CompiledProgram =>
      new CompiledProgram(target, MODEL.training, store, { of: 'loss', into });
    const run = async (model: CompiledProgram, [height, width]: readonly number[]) => {
      const inputs = { ...examples(), ...images(2, height, width) };
      const { loss } = await model.run(inputs);
      return [loss.data[0], ...into];
    };
    const many = training();
    for (const size of [...SIZES, ...SIZES]) {
      const seen = await run(many, size);
      const one = training();
      expect(seen).toEqual(await run(one, size));
      await one.release();
    }
    expect(many.numSessions).toBeLessThan(SIZES.length);
    await many.release();
  });

  test('open again after they were closed to make room', async () => {
    const memory = new SessionMemory(1);
    const [model, other] = [inference({ memory }), inference({ memory })];
    const sizes = SIZES.slice(3);
    const first: number[][] = [];
    for (const [height, width] of sizes) first.push(await logits(model, images(1, height, width)));
    await other.run(images(1));
    expect(model.numSessions).toBe(0);
    for (const [i, [height, width]] of sizes.entries())
      expect(await logits(model, images(1, height, width))).toEqual(first[i]);
    await Promise.all([model.release(), other.release()]);
  });

  test('never exceed their memory, and the least recently used is closed', async () => {
    const { model, opened, released } = counted(2);
    await model.run(line(1)); // session 1
    await model.run(line(2)); // session 2
    await model.run(line(1)); // 1 again: 2 is the older one now
    await model.run(line(3)); // session 3 displaces 2
    expect([opened.length, released, model.numSessions]).toEqual([3, [2], 2]);
    await model.run(line(1));
    expect(opened.length).toBe(3);
    await model.run(line(2)); // session 4 displaces 3
    expect([opened.length, released, model.numSessions]).toEqual([4, [2, 3], 2]);
    await model.release();
    expect(released).toEqual([2, 3, 1, 4]);
  });

  test('are opened once by concurrent runs, and not closed while in use', async () => {
    const { model, opened, released } = counted(1);
    const sizes = [1, 1, 2, 2, 1];
    const together = await Promise.all(sizes.map((n) => logits(model, line(n))));
    expect([opened, released]).toEqual([[1, 2, 3], [1, 2]]); // prettier-ignore
    for (const [i, n] of sizes.entries()) expect(together[i]).toEqual(await logits(model, line(n)));
    await model.release();
  });

  test('memory for less than one works', async () => {
    const model = chain(new SessionMemory(1));
    const [a, b] = [await logits(model, line(1)), await logits(model, line(2))];
    expect(model.numSessions).toBe(1);
    expect(await logits(model, line(1))).toEqual(a);
    expect(b).toHaveLength(2);
    await model.release();
  });

  test('of several programs share memory: the least recently used of any is closed', async () => {
    const memory = new SessionMemory(2.5 * sessionBytes);
    const [a, b] = [chain(memory), chain(memory)];
    const first = await logits(a, line(1));
    await b.run(line(1));
    await b.run(line(2));
    expect([a.numSessions, b.numSessions, memory.numSessions]).toEqual([0, 2, 2]);
    expect(memory.bytes).toBeLessThanOrEqual(memory.limitBytes);
    expect(await logits(a, line(1))).toEqual(first);
    expect([a.numSessions, b.numSessions]).toEqual([1, 1]);
    await Promise.all([a.release(), b.release()]);
    expect([memory.numSessions, memory.bytes]).toEqual([0, 0]);
  });

  test('that run are not closed by those of other programs', async () => {
    const memory = new SessionMemory(1);
    const [a, b] = [inference({ memory }), inference({ memory })];
    const alone = [await logits(a, images(1)), await logits(b, images(2))];
    for (let i = 0; i < 3; i++) {
      const together = await Promise.all([logits(a, images(1)), logits(b, images(2))]);
      expect(together).toEqual(alone);
    }
    await Promise.all([a.release(), b.release()]);
  });

  test('are bit-identical with and without their own arena', async () => {
    const [own, shared] = [inference({ ownArena: true }), inference({ ownArena: false })];
    // The first size also after another one.
    for (const n of [1, 3, 1])
      expect(await logits(shared, images(n))).toEqual(await logits(own, images(n)));
    await Promise.all([own.release(), shared.release()]);
  });

  test('that fail to open leak nothing, and the next run works', async () => {
    const model = inference();
    await expect(model.run({ image: floats([1, 32, 32, 1], Array<number>(1024).fill(0)) })).rejects.toThrow(ShapeError); // prettier-ignore
    expect(model.numSessions).toBe(0);
    expect(await logits(model, images(1))).toHaveLength(3);
    await model.release();
  });

  test('release waits for earlier runs', async () => {
    const model = inference();
    const running = logits(model, images(1));
    const released = model.release();
    expect(await running).toHaveLength(3);
    await released;
    expect(model.numSessions).toBe(0);
  });
});

describe('results', () => {
  test('of two models that run concurrently are those of each alone', async () => {
    const [a, b] = [inference({}, filledStore(1)), inference({}, filledStore(2))];
    const alone = [await logits(a, images(1)), await logits(b, images(2))];
    const together = await Promise.all([logits(a, images(1)), logits(b, images(2))]);
    expect(together).toEqual(alone);
    expect(alone[0]).not.toEqual(alone[1].slice(0, 3));
    await Promise.all([a.release(), b.release()]);
  });

  test('of concurrent runs keep their order', async () => {
    const model = inference();
    const seeds = [1, 2, 3, 4];
    const together = await Promise.all(seeds.map((s) => logits(model, images(1, 32, 32, s))));
    for (const [i, seed] of seeds.entries())
      expect(together[i]).toEqual(await logits(model, images(1, 32, 32, seed)));
    await model.release();
  });

  test('with frozen weights are the same, and do not change with the weights', async () => {
    const store = filledStore();
    const [frozen, free] = [inference({ frozen: true }, store), inference({}, store)];
    const before = (await frozen.run(images(2)))['logits'];
    const expected = { ...before, data: before.data.slice() };
    expectSame('logits', (await free.run(images(2)))['logits'], expected);
    store.values.fill(0.25);
    expect([...(await frozen.run(images(2)))['logits'].data]).toEqual([...expected.data]);
    expect([...(await free.run(images(2)))['logits'].data]).not.toEqual([...expected.data]);
    await Promise.all([frozen.release(), free.release()]);
  });

  test('change with the weights without a new session', async () => {
    const store = filledStore(1);
    const model = inference({}, store);
    const before = await logits(model, images(1));
    store.values.set(filledStore(2).values);
    const after = await logits(model, images(1));
    expect(model.numSessions).toBe(1);
    expect(after).not.toEqual(before);
    const fresh = inference({}, filledStore(2));
    expect(after).toEqual(await logits(fresh, images(1)));
    await Promise.all([model.release(), fresh.release()]);
  });

  test('are bit-identical in every run', async () => {
    const store = filledStore();
    const runs: number[][] = [];
    for (let i = 0; i < 3; i++) {
      const into = new Float32Array(store.values.length);
      const model = new CompiledProgram(target, MODEL.training, store, { of: 'loss', into });
      const { loss } = await model.run(examples());
      runs.push([loss.data[0], ...into]);
      await model.release();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test('of all sizes share one array, which grows if needed', async () => {
    const model = program((_params, { x }) => ({ twice: x.mul(2), isLarge: x.greater(2) }));
    const run = async (...values: number[]): Promise<HostTensors> =>
      model.run({ x: floats([values.length], values) });
    const small = await run(1, 2);
    const { data } = (await run(1, 2, 3, 4))['twice'];
    expect([...data]).toEqual([2, 4, 6, 8]);
    // A larger one got an array of its own, so the small ones are still there.
    expect([...small['twice'].data]).toEqual([2, 4]);
    const { twice, isLarge } = await run(3, 1);
    expect([...twice.data]).toEqual([6, 2]);
    expect(isLarge.data).toEqual(Uint8Array.of(1, 0));
    expect(twice.data.buffer).toBe(data.buffer);
    expect([...data]).toEqual([6, 2, 6, 8]);
    expect(model.numSessions).toBe(1);
    await model.release();
    expect((await run(5))['twice'].data.buffer).not.toBe(data.buffer);
    await model.release();
  });

  test('leave no copies to the garbage collector', async () => {
    const model = program((_params, { x }) => ({ twice: x.mul(2), half: x.div(2) }));
    const x = floats([2 ** 20], new Array<number>(2 ** 20).fill(3));
    await model.run({ x });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 20; i++) {
      const { twice, half } = await model.run({ x });
      expect([twice.data.length, twice.data[5], half.data[7]]).toEqual([2 ** 20, 6, 1.5]);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 22);
    }
    await model.release();
  });

  test('may be integers and booleans, as inputs and outputs', async () => {
    const model = program((_params, { a, b, mask }) => ({
      sum: a.add(b),
      larger: a.greater(b),
      chosen: tf.where(mask, a, b),
    }));
    const outputs = await model.run({
      a: integers([3], [1, 5, 3]),
      b: integers([3], [4, 2, 3]),
      mask: { shape: [3], data: Uint8Array.of(1, 0, 1) },
    });
    expect(outputs['sum'].data).toEqual(Int32Array.of(5, 7, 6));
    expect(outputs['larger'].data).toEqual(Uint8Array.of(0, 1, 0));
    expect(outputs['chosen'].data).toEqual(Int32Array.of(1, 2, 3));
    await model.release();
  });

  test('are right if an input is unused, or an output is an input or a constant', async () => {
    const model = program((_params, { a }) => ({ same: a, two: tf.scalar(2), sum: a.add(1) }));
    const outputs = await model.run({ a: floats([2], [1, 2]), unused: floats([1], [9]) });
    expect([...outputs['same'].data]).toEqual([1, 2]);
    expect([...outputs['two'].data]).toEqual([2]);
    expect([...outputs['sum'].data]).toEqual([2, 3]);
    await model.release();
  });
});

describe('gradients', () => {
  test('are written to the flat buffer; other entries do not change', async () => {
    const store = filledStore();
    const all = new Float32Array(store.values.length).fill(NaN);
    const some = new Float32Array(store.values.length).fill(7);
    const parameters = ['norm.weight', 'head.bias'];
    for (const request of [{ into: all }, { into: some, parameters }]) {
      const model = new CompiledProgram(target, MODEL.training, store, { of: 'loss', ...request });
      await model.run(examples());
      await model.release();
    }
    expect(all.every((value) => Number.isFinite(value))).toBe(true);
    for (const entry of store.entries) {
      const expected = parameters.includes(entry.path)
        ? [...store.view(entry, all)]
        : Array<number>(entry.size).fill(7);
      expect([...store.view(entry, some)], entry.path).toEqual(expected);
    }
  });

  test('of parameters without influence are zero', async () => {
    const specs = { used: MODEL.specs.norm.weight, unused: MODEL.specs.norm.bias };
    const store = new ParameterStore(specs);
    store.values.fill(3);
    const into = new Float32Array(store.values.length).fill(NaN);
    const square: Program = {
      name: 'square',
      forward: ({ used }: TensorTree<typeof specs>) => ({ loss: used.square().sum() }),
    };
    const model = new CompiledProgram(target, square, store, { of: 'loss', into });
    await model.run({});
    expect([...store.view(store.entry('used'), into)]).toEqual(Array<number>(16).fill(6));
    expect([...store.view(store.entry('unused'), into)]).toEqual(Array<number>(16).fill(0));
    await model.release();
  });
});

describe('wrong use is rejected', () => {
  test('an input with too few values', async () => {
    const model = inference();
    const wrong = { image: { shape: [1, 32, 32, 3], data: new Float32Array(5) } };
    await expect(model.run(wrong)).rejects.toThrow(ShapeError);
    await expect(model.run(wrong)).rejects.toThrow(
      'classifier: expected 3072 values in image [1, 32, 32, 3], got 5',
    );
    expect(model.numSessions).toBe(0);
  });

  test('gradients of frozen weights', () => {
    const store = filledStore();
    const gradients = { of: 'loss', into: new Float32Array(store.values.length) };
    const options = { ...DEFAULT_COMPILE_OPTIONS, frozen: true };
    expect(() => new CompiledProgram(target, MODEL.training, store, gradients, options)).toThrow(
      ConfigError,
    );
  });

  test.each([
    ['compiled', () => new CompiledProgram(target, MODEL.training, filledStore())],
    ['eager', () => new EagerProgram('cpu', MODEL.training, filledStore())],
  ] as const)('an input that is missing is named: %s', async (_, open) => {
    const program = open();
    await expect(program.run(images(2))).rejects.toThrow(ConfigError);
    await expect(program.run(images(2))).rejects.toThrow(
      /^classifier training: expected another input, dropPath or targets, got image \[2, 32, 32, 3\] \(.*\)$/,
    );
    await expect(program.run({})).rejects.toThrow(/expected another input, image.*, got none \(/);
    expect((await program.run(examples()))['loss'].data[0]).toBeGreaterThan(0); // and no harm done
  });

  test('the gradient of an input that is missing', async () => {
    const store = filledStore();
    const gradients = { of: 'loss', into: new Float32Array(store.values.length), inputs: ['x'] };
    const model = new CompiledProgram(target, MODEL.training, store, gradients);
    await expect(model.run(examples())).rejects.toThrow(
      'expected input x, got image [2, 32, 32, 3], targets [2, 3]',
    );
  });

  test('a loss that is not an output', async () => {
    const store = filledStore();
    const gradients = { of: 'los', into: new Float32Array(store.values.length) };
    const model = new CompiledProgram(target, MODEL.training, store, gradients);
    await expect(model.run(examples())).rejects.toThrow(ConfigError);
    await expect(model.run(examples())).rejects.toThrow('expected an output los');
  });
});
