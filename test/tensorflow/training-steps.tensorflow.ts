import { expect, test } from 'vitest';
import { openEngine } from '../../engine/runtime/engine.js';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { TRAINING_STEPS } from '../webgpu/training-steps.js';
import { expectSameResults } from './same-results.js';
import { backend, library } from './load.js';

test('the engine names package, library and device', async () => {
  expect(library.TF_Version).toBe('2.9.1');
  expect(backend).toMatchObject({ package: '@tensorflow/tfjs-node', usesGpu: false });
  const { description } = await openEngine({ kind: 'eager', tfjsBackend: 'tensorflow' });
  expect(description).toBe(
    'tfjs tensorflow (@tensorflow/tfjs-node, TensorFlow 2.9.1, CPU), operation by operation',
  );
});

test.each(TRAINING_STEPS)(
  'a training step is that of the cpu backend, and leaves no native tensors: $name',
  async ({ run }) => {
    const expected = await run((...program) => new EagerProgram('cpu', ...program));
    const before = library.getNumOfTensors();
    const actual = await run((...program) => new EagerProgram('tensorflow', ...program));
    expect(library.getNumOfTensors()).toBe(before);
    expectSameResults(actual, expected);
  },
);
