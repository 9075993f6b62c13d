import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { numElements } from '../../core/shape.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { EagerProgram } from '../../engine/runtime/eager.js';
import type { GradientTarget } from '../../engine/runtime/compiled.js';
import type { Executable, HostTensor, HostTensors, Program } from '../../engine/runtime/program.js';
import { gradientName } from '../../engine/runtime/program.js';
import { expectGradientOf } from '../helpers/finite-differences.js';
import { expectActivation, expectGradient } from '../helpers/tolerance.js';
import { executable } from '../helpers/runtimes.js';

tf.env().set('PROD', true); // silences tfjs's hint to install its native package

/** Tensors by name, as a case's op gets them. */
type Inputs = Readonly<Record<string, tf.Tensor>>;

/** An op applied to given values, to be checked in every way this library runs it. */
export interface OpCase<I extends Inputs = Inputs> {
  readonly name: string;
  readonly inputs: Readonly<Record<keyof I & string, HostTensor>>;
  /** Float inputs that are differentiated; all of them if not given. */
  readonly differentiable?: readonly (keyof I & string)[];
  /** See `GradientClaim.reach`. */
  readonly reach?: number;
  op(inputs: I): tf.Tensor;
}

/** A case whose op takes tensors of the given types. */
export const opCase = <I extends Inputs>(c: OpCase<I>): OpCase => c;

/** The ways to run an op that must agree; the first is the reference. */
export const WAYS = ['eager cpu', 'eager wasm', 'compiled', 'compiled portable'] as const;
export type Way = (typeof WAYS)[number];

/** Values of `shape`, drawn from `[low, high)`. */
export function values(
  seed: number,
  shape: readonly number[],
  [low, high]: readonly [number, number] = [-1, 1],
): HostTensor {
  const random = new Random(seed);
  return {
    shape,
    data: Float32Array.from({ length: numElements(shape) }, () => random.between(low, high)),
  };
}

/** Float values as given. */
export const floats = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  shape,
  data: Float32Array.from(data),
});

/** Integer values as given. */
export const integers = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  shape,
  data: Int32Array.from(data),
});

const differentiable = ({ inputs, differentiable: chosen }: OpCase): readonly string[] =>
  chosen ?? Object.keys(inputs).filter((name) => inputs[name].data instanceof Float32Array);

/** Results of a case: its output, and the gradients of `Σ output · cotangent`. */
export interface OpResult {
  readonly output: HostTensor;
  readonly gradients: HostTensors;
}

/** The op as a program without parameters; with gradients, its loss weighs the output by a random cotangent. */
function programOf(c: OpCase): Program {
  return {
    name: c.name,
    forward: (_params, { cotangent, ...inputs }) =>
      tf.tidy(() => {
        const output = c.op(inputs);
        return cotangent ? { output, loss: output.mul(cotangent).sum() } : { output };
      }),
  };
}

async function prepare(
  way: Way,
  program: Program,
  gradients?: GradientTarget,
): Promise<Executable> {
  const store = new ParameterStore({});
  if (way === 'eager wasm') return new EagerProgram('wasm', program, store, gradients);
  return executable(way, program, store, gradients);
}

/** The output alone. */
export async function forward(way: Way, c: OpCase): Promise<HostTensor> {
  const program = await prepare(way, programOf(c));
  try {
    return (await program.run(c.inputs))['output'];
  } finally {
    await program.release();
  }
}

/** Output and gradients. */
export async function forwardAndGradients(way: Way, c: OpCase): Promise<OpResult> {
  const { shape } = await forward('eager cpu', c);
  const names = differentiable(c);
  const program = await prepare(way, programOf(c), {
    of: 'loss',
    into: new Float32Array(0),
    inputs: names,
  });
  try {
    const outputs = await program.run({ ...c.inputs, cotangent: cotangentOf(shape) });
    return {
      output: outputs['output'],
      gradients: Object.fromEntries(names.map((name) => [name, outputs[gradientName(name)]])),
    };
  } finally {
    await program.release();
  }
}

const references = new WeakMap<OpCase, Promise<OpResult>>();

/** Eager `cpu`, computed once. */
function reference(c: OpCase): Promise<OpResult> {
  const known = references.get(c) ?? forwardAndGradients('eager cpu', c);
  references.set(c, known);
  return known;
}

const cotangentOf = (shape: readonly number[]): HostTensor => values(97, shape, [0.5, 1.5]);

/** float32 sums in another order: 1e-5 of the largest value is some hundred roundings. */
const AGREEMENT = 1e-5;

/** Equal within float32 rounding. */
export function expectSame(name: string, actual: HostTensor, expected: HostTensor): void {
  expect(actual.shape, `${name}: shape`).toEqual(expected.shape);
  expect(actual.data.constructor, `${name}: type`).toBe(expected.data.constructor);
  expectActivation(name, actual.data, expected.data, AGREEMENT);
}

/** The kernel that the wasm backend has not, if that is what went wrong. */
function missingInWasm(error: unknown): string | undefined {
  const kernel = /Kernel '(\w+)' not registered for backend 'wasm'/.exec(String(error))?.[1];
  return kernel && tf.getKernel(kernel, 'wasm') === undefined ? kernel : undefined;
}

const reported = new Set<string>();

/** Runs `body`; where tfjs-wasm lacks a kernel, says so instead. */
async function orMissingKernel(name: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const kernel = missingInWasm(error);
    if (!kernel) throw error;
    if (!reported.has(kernel))
      console.warn(
        `${name}: not compared (nor further ones), tfjs-backend-wasm 4.22 has no kernel ${kernel}`,
      );
    reported.add(kernel);
  }
}

/**
 * The checks that every op must pass: all ways agree with eager `cpu`, forward and gradient; the gradient is that
 * of finite differences; nothing leaks.
 */
export function describeOp(cases: readonly OpCase[]): void {
  describe.each(cases)('$name', (c) => {
    test.each(WAYS.slice(1))('%s agrees with eager cpu', async (way) => {
      const expected = await reference(c);
      await orMissingKernel(`${c.name}, ${way}, forward`, async () =>
        expectSame('output', await forward(way, c), expected.output),
      );
      if (differentiable(c).length === 0) return;
      await orMissingKernel(`${c.name}, ${way}, gradient`, async () => {
        const { output, gradients } = await forwardAndGradients(way, c);
        expectSame('output beside gradients', output, expected.output);
        for (const [name, { data, shape }] of Object.entries(expected.gradients)) {
          expect(gradients[name].shape).toEqual(shape);
          expectGradient(`gradient of ${name}`, gradients[name].data, data, AGREEMENT);
        }
      });
    });

    if (differentiable(c).length > 0)
      test('the gradients agree with finite differences', async () => {
        const { gradients } = await reference(c);
        await tf.setBackend('cpu');
        for (const name of differentiable(c)) {
          expectGradientOf({
            name,
            at: c.inputs[name].data as Float32Array,
            gradient: gradients[name].data,
            loss: (x) => weightedOutput(c, { ...c.inputs, [name]: { ...c.inputs[name], data: x } }),
            ...(c.reach === undefined ? {} : { reach: c.reach }),
          });
        }
      });

    test('no tensor outlives the call', async () => {
      await tf.setBackend('cpu');
      expectNoLeak(c);
    });
  });
}

/** `Σ output · cotangent` on the current backend, summed in float64. */
function weightedOutput(c: OpCase, inputs: HostTensors): number {
  const { data, shape } = tf.tidy(() => {
    const output = c.op(tensors(inputs));
    return { data: output.dataSync(), shape: output.shape };
  });
  const weights = cotangentOf(shape).data;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += weights[i] * data[i];
  return sum;
}

const tensors = (inputs: HostTensors): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(inputs).map(([name, host]) => [name, tensor(host)]));

const tensor = ({ data, shape }: HostTensor): tf.Tensor =>
  tf.tensor(data, [...shape], data instanceof Float32Array ? 'float32' : 'int32');

/** The op leaves its result and nothing else, also when it is differentiated. */
function expectNoLeak(c: OpCase): void {
  const given = tensors(c.inputs);
  const before = tf.memory().numTensors;
  const output = c.op(given);
  expect(tf.memory().numTensors - before, 'tensors after the call').toBe(1);
  output.dispose();
  const names = differentiable(c);
  if (names.length > 0) {
    const gradients = tf.grads((...x: tf.Tensor[]) =>
      c.op({ ...given, ...Object.fromEntries(names.map((name, i) => [name, x[i]])) }),
    )(names.map((name) => given[name]));
    expect(tf.memory().numTensors - before, 'tensors after the gradient').toBe(names.length);
    tf.dispose(gradients);
  }
  tf.dispose(given);
}
