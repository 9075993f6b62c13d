import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { CAPTURE_KERNELS } from '../../engine/capture/register.js';
import { layer } from '../../engine/capture/scope.js';
import { encodeModel } from '../../engine/onnx/encode-model.js';
import type { OnnxGraph } from '../../engine/onnx/graph.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import {
  CompiledProgram,
  DEFAULT_COMPILE_OPTIONS,
  type CompilerTarget,
  type GradientTarget,
} from '../../engine/runtime/compiled.js';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import { openSession } from '../../engine/runtime/onnx-runtime.js';
import type { HostTensors, Program } from '../../engine/runtime/program.js';
import { BLOCKED_CASES } from '../engine/capture/kernels/blocked-cases.js';
import { float, type KernelCase } from '../engine/capture/kernels/kernel-case.js';
import { PORTABLE_CASES } from '../engine/capture/kernels/portable-cases.js';
import { maxAbs, maxError } from '../helpers/fixtures.js';
import { placementOf } from './node-trace.js';
import { NOT_ON_WEBGPU, ONLY_FLOATS_ON_WEBGPU } from './operators.js';

/** Of the largest value. WGSL leaves exp, log, pow and their like a few units in the last place. */
const TOLERANCE = 1e-4;
/** WGSL promises no more of these: an absolute error of 2⁻¹¹ between −π and π. */
const TOLERANCE_OF: Readonly<Record<string, number>> = { Cos: 2 ** -11, Sin: 2 ** -11 };

/** Cases of a kernel that a software adapter runs: each has shaders of its own, of seconds for a convolution. */
const MOST_CASES = 3;

const KNOWN_ELSEWHERE = [...NOT_ON_WEBGPU, ...ONLY_FLOATS_ON_WEBGPU];

const inputName = (index: number, name: string): string => `${index}.${name}`;

const differentiable = ({ inputs, differentiable: chosen }: KernelCase): readonly string[] =>
  chosen ?? Object.keys(inputs).filter((name) => inputs[name].data instanceof Float32Array);

/** All cases of a kernel as one program, and the sum of the differentiable outputs times random cotangents. */
function programOf(cases: readonly KernelCase[], way: 'op' | 'reference'): Program {
  return {
    name: 'cases',
    forward: (_params, inputs) => {
      const outputs: Record<string, tf.Tensor> = {};
      let loss: tf.Tensor = tf.scalar(0);
      cases.forEach((c, index) => {
        const own = Object.fromEntries(
          Object.keys(c.inputs).map((name) => [name, inputs[inputName(index, name)]]),
        );
        const op = (way === 'reference' && c.reference) || c.op;
        const results = layer(`case ${index}`, () => [op(own)].flat());
        results.forEach((y, i) => {
          outputs[`${index}:${i}`] = y;
          if (differentiable(c).length === 0) return;
          const cotangent = float(y.shape, [0.5, 1.5], 7).data;
          loss = loss.add(y.mul(tf.tensor(cotangent, y.shape)).sum());
        });
      });
      return { ...outputs, loss };
    },
  };
}

const store = new ParameterStore({});

const inputsOf = (cases: readonly KernelCase[]): HostTensors =>
  Object.fromEntries(
    cases.flatMap((c, i) => Object.entries(c.inputs).map(([n, x]) => [inputName(i, n), x])),
  );

function gradientsOf(cases: readonly KernelCase[]): GradientTarget | undefined {
  const inputs = cases.flatMap((c, i) => differentiable(c).map((name) => inputName(i, name)));
  return inputs.length > 0 ? { of: 'loss', into: new Float32Array(0), inputs } : undefined;
}

/** Evenly spaced cases, with the first and the last. */
function someOf(cases: readonly KernelCase[]): readonly KernelCase[] {
  if (cases.length <= MOST_CASES) return cases;
  const step = (cases.length - 1) / (MOST_CASES - 1);
  return Array.from({ length: MOST_CASES }, (_, i) => cases[Math.round(i * step)]);
}

const adapter = inject('adapter');
const isSoftware = adapter.kind === 'found' && adapter.isSoftware;
if (adapter.kind === 'none') console.warn(`WebGPU tests are skipped: ${adapter.reason}`);

describe.runIf(adapter.kind === 'found')('capture kernels on WebGPU', () => {
  let target: CompilerTarget;
  beforeAll(async () => {
    tf.env().set('PROD', true); // silences tfjs's hint to install its native package
    target = { runtime: await loadOnnxRuntime(), lowering: { kind: 'portable' } };
  });

  test('there are cases of every kernel but those of the CPU', () => {
    const names = Object.keys({ ...PORTABLE_CASES, ...BLOCKED_CASES });
    expect(names.sort()).toEqual(CAPTURE_KERNELS.map(({ name }) => name).sort());
  });

  test.each(Object.keys(PORTABLE_CASES))(
    "%s equals tfjs's cpu backend, forward and gradient",
    async (k) => {
      const cases = isSoftware ? someOf(PORTABLE_CASES[k]) : PORTABLE_CASES[k];
      const [inputs, gradients] = [inputsOf(cases), gradientsOf(cases)];
      const eager = new EagerProgram('cpu', programOf(cases, 'reference'), store, gradients);
      const expected = await eager.run(inputs);
      let actual: HostTensors = {};
      const { elsewhere } = await placementOf(async (profilePrefix) => {
        const options = { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu', profilePrefix } as const;
        const program = programOf(cases, 'op');
        const compiled = new CompiledProgram(target, program, store, gradients, options);
        try {
          actual = await compiled.run(inputs);
        } finally {
          await compiled.release();
        }
      });
      const tolerance = TOLERANCE_OF[k] ?? TOLERANCE;
      for (const [name, { shape, data }] of Object.entries(expected)) {
        expect(actual[name].shape, name).toEqual(shape);
        const scale = Math.max(1e-3, maxAbs(data));
        expect(maxError(actual[name].data, data) / scale, name).toBeLessThanOrEqual(tolerance);
      }
      const unknown = elsewhere.filter((node) => !KNOWN_ELSEWHERE.includes(node.split(' ')[0]));
      expect(unknown, 'nodes on the CPU').toEqual([]);
    },
  );

  test.each(NOT_ON_WEBGPU)('%s is still left to the CPU', async (op) => {
    const type = op === 'Or' ? 'bool' : 'float32';
    const value = (name: string): OnnxGraph['inputs'][0] => ({ name, shape: [2], type });
    const inputs = op === 'Or' ? ['a', 'b'] : ['a'];
    const model = encodeModel({
      name: op,
      nodes: [{ name: op, op, domain: '', inputs, outputs: ['y'], attributes: {} }],
      inputs: inputs.map(value),
      outputs: [value('y')],
      initializers: [],
      opsets: { '': 20 },
    });
    const data = type === 'bool' ? Uint8Array.of(0, 1) : Float32Array.of(-1, 2);
    const { elsewhere } = await placementOf(async (profilePrefix) => {
      const options = { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu', profilePrefix } as const;
      const session = await openSession(target.runtime, model, options);
      const tensor = new target.runtime.ort.Tensor(type, data as Float32Array, [2]);
      await session.run(Object.fromEntries(inputs.map((name) => [name, tensor])));
      await session.release();
    });
    expect(elsewhere.map((node) => node.split(' ')[0])).toEqual([op]);
  });
});
