import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { layer } from '../../../../engine/capture/scope.js';
import { CAPTURE_KERNELS, ensureCaptureBackend } from '../../../../engine/capture/register.js';
import { ParameterStore } from '../../../../engine/parameters/store.js';
import type { HostTensors, Program } from '../../../../engine/runtime/program.js';
import { gradientName } from '../../../../engine/runtime/program.js';
import { expectActivation, expectGradient } from '../../../helpers/tolerance.js';
import { executable, type RuntimeName } from '../../../helpers/runtimes.js';
import { BLOCKED_CASES } from './blocked-cases.js';
import { float, type KernelCase, type KernelTable } from './kernel-case.js';
import { PORTABLE_CASES } from './portable-cases.js';

/** Every capture kernel needs an entry here. */
const TABLE: KernelTable = {
  ...PORTABLE_CASES,
  ...BLOCKED_CASES,
};

/** tfjs's erf is a polynomial with an error of 1.5e-7, and sums are in another order: float32 rounding, with room. */
const TOLERANCE = 1e-5;

const inputName = (index: number, name: string): string => `${index}.${name}`;

const differentiable = ({ inputs, differentiable: chosen }: KernelCase): readonly string[] =>
  chosen ?? Object.keys(inputs).filter((name) => inputs[name].data instanceof Float32Array);

/** All cases of a kernel as one program, so that one session checks them; the layers name the cases. */
function programOf(kernel: string, cases: readonly KernelCase[], way: 'op' | 'reference'): Program {
  return {
    name: kernel,
    forward: (_params, inputs) => {
      const outputs: Record<string, tf.Tensor> = {};
      let loss: tf.Tensor = tf.scalar(0);
      cases.forEach((c, index) => {
        const names = Object.keys(c.inputs);
        const own = Object.fromEntries(names.map((n) => [n, inputs[inputName(index, n)]]));
        const results = layer(`case ${index}`, () => {
          const result = way === 'reference' && c.reference ? c.reference(own) : c.op(own);
          return Array.isArray(result) ? result : [result];
        });
        results.forEach((result, i) => {
          outputs[`${index}:${i}`] = result;
          if (differentiable(c).length === 0) return;
          const cotangent = float(result.shape, [0.5, 1.5], 7).data;
          loss = loss.add(result.mul(tf.tensor(cotangent, result.shape)).sum());
        });
      });
      return { ...outputs, loss };
    },
  };
}

async function run(
  runtime: RuntimeName,
  kernel: string,
  cases: readonly KernelCase[],
): Promise<HostTensors> {
  const inputs = Object.fromEntries(
    cases.flatMap((c, i) => Object.entries(c.inputs).map(([n, x]) => [inputName(i, n), x])),
  );
  const sources = cases.flatMap((c, i) => differentiable(c).map((name) => inputName(i, name)));
  const program = await executable(
    runtime,
    programOf(kernel, cases, runtime === 'eager cpu' ? 'reference' : 'op'),
    new ParameterStore({}),
    sources.length > 0 ? { of: 'loss', into: new Float32Array(0), inputs: sources } : undefined,
  );
  try {
    return { ...(await program.run(inputs)) };
  } finally {
    await program.release();
  }
}

/** Names of the capture kernels that are dispatched while `body` runs. */
async function dispatched(body: () => Promise<void>): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const originals = CAPTURE_KERNELS.map(({ config }) => ({
    config,
    kernelFunc: config.kernelFunc,
  }));
  for (const { config, kernelFunc } of originals) {
    config.kernelFunc = (params) => {
      names.add(config.kernelName);
      return kernelFunc(params);
    };
  }
  try {
    await body();
  } finally {
    for (const { config, kernelFunc } of originals) config.kernelFunc = kernelFunc;
  }
  return names;
}

test('the table has cases for every capture kernel and no others', () => {
  expect(Object.keys(TABLE).sort()).toEqual(CAPTURE_KERNELS.map(({ name }) => name).sort());
});

test('every kernel of the table is registered with tfjs', () => {
  ensureCaptureBackend();
  for (const { config } of CAPTURE_KERNELS)
    expect(tf.getKernel(config.kernelName, config.backendName)).toBe(config);
});

describe.each(CAPTURE_KERNELS.map(({ name }) => name))('%s', (kernel) => {
  const cases = TABLE[kernel] ?? [];
  test('equals tfjs’s cpu backend in both lowerings, forward and gradient', async () => {
    const expected = await run('eager cpu', kernel, cases);
    for (const runtime of ['compiled', 'compiled portable'] as const) {
      let actual: HostTensors = {};
      const names = await dispatched(async () => {
        actual = await run(runtime, kernel, cases);
      });
      const isOfCpu = kernel in BLOCKED_CASES;
      if (isOfCpu && runtime === 'compiled portable')
        expect(names, 'dispatched kernels').not.toContain(kernel);
      else expect(names, 'dispatched kernels').toContain(kernel);
      cases.forEach((c, index) => {
        const at = `${kernel}, ${runtime}, ${c.name}`;
        const outputs = Object.keys(expected).filter((name) => name.startsWith(`${index}:`));
        expect(outputs.length).toBeGreaterThan(0);
        for (const name of outputs) {
          expect(actual[name].shape, `${at}: shape`).toEqual(expected[name].shape);
          expect(actual[name].data.constructor, `${at}: type`).toBe(
            expected[name].data.constructor,
          );
          expectActivation(at, actual[name].data, expected[name].data, TOLERANCE);
        }
        for (const input of differentiable(c)) {
          const name = gradientName(inputName(index, input));
          expect(actual[name].shape, `${at}: shape of the gradient`).toEqual(expected[name].shape);
          expectGradient(
            `${at}: gradient of ${input}`,
            actual[name].data,
            expected[name].data,
            TOLERANCE,
          );
        }
      });
    }
  });
});
