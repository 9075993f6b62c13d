import { expect, test } from 'vitest';
import type { TensorSpec } from '../../engine/capture/capture.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import type { OnnxNode } from '../../engine/onnx/graph.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { NOT_ON_WEBGPU } from './operators.js';
import type { Prepare, TrainingStep } from './training-step.js';
import { TRAINING_STEPS } from './training-steps.js';

const typeOf = (data: HostTensor['data']): TensorSpec['type'] =>
  data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';

/** The nodes of a training step in the form for WebGPU. */
async function nodesOf({ run }: TrainingStep): Promise<readonly OnnxNode[]> {
  const target = { runtime: await loadOnnxRuntime(), lowering: { kind: 'portable' } } as const;
  let nodes: readonly OnnxNode[] = [];
  const prepare: Prepare = (program, store, gradients) => ({
    run: (inputs: HostTensors): Promise<HostTensors> => {
      const options = { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu' } as const;
      const compiled = new CompiledProgram(target, program, store, gradients, options);
      const specs = Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        { shape, type: typeOf(data) },
      ]);
      nodes = compiled.capture(Object.fromEntries(specs)).nodes;
      return Promise.resolve({});
    },
    release: () => Promise.resolve(),
  });
  await run(prepare);
  return nodes;
}

test.each(TRAINING_STEPS)('WebGPU has every operator of a training step: $name', async (step) => {
  const nodes = await nodesOf(step);
  expect(nodes.length).toBeGreaterThan(10);
  const missing = nodes.filter(
    ({ op, domain }) => domain !== '' || NOT_ON_WEBGPU.some((name) => name === op),
  );
  expect(missing.map(({ op, name }) => `${op} ${name}`)).toEqual([]);
});

test('rows are centerd before LayerNormalization, which loses digits on WebGPU otherwise', async () => {
  const nodes = await nodesOf(TRAINING_STEPS[0]);
  const producer = new Map(nodes.flatMap(({ op, outputs }) => outputs.map((name) => [name, op])));
  const norms = nodes.filter(({ op }) => op === 'LayerNormalization');
  expect(norms.length).toBeGreaterThan(0);
  expect(new Set(norms.map(({ inputs }) => producer.get(inputs[0])))).toEqual(new Set(['Sub']));
});
