import { expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ConfigError, ShapeError } from '../../../core/errors.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { CompiledProgram } from '../../../engine/runtime/compiled.js';
import { EagerProgram } from '../../../engine/runtime/eager.js';
import type { Program } from '../../../engine/runtime/program.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { expectSame, floats, integers } from '../op-case.js';
import { MODEL, examples, filledStore, images, targetOf } from './small-model.js';

test('a model predicts the same eagerly on cpu, on wasm and compiled', async () => {
  const store = filledStore();
  const compiled = new CompiledProgram(await targetOf(), MODEL.inference, store);
  const expected = (await compiled.run(images(2)))['logits'];
  for (const backend of ['cpu', 'wasm']) {
    const outputs = await new EagerProgram(backend, MODEL.inference, store).run(images(2));
    expectSame(backend, outputs['logits'], expected);
    expect(tf.getBackend()).toBe(backend);
  }
  await compiled.release();
});

test('loss and gradients are those of the compiled program, parameter by parameter', async () => {
  const store = filledStore();
  const [eager, compiled] = [0, 1].map(() => new Float32Array(store.values.length).fill(NaN));
  const reference = new EagerProgram('cpu', MODEL.training, store, { of: 'loss', into: eager });
  const { loss } = await reference.run(examples());
  const program = new CompiledProgram(await targetOf(), MODEL.training, store, {
    of: 'loss',
    into: compiled,
  });
  expect((await program.run(examples()))['loss'].data[0]).toBeCloseTo(loss.data[0], 5);
  for (const entry of store.entries)
    expectGradient(entry.path, store.view(entry, compiled), store.view(entry, eager), 1e-4);
  await program.release();
});

test('runs leak no tensors, also when they fail', async () => {
  const store = filledStore();
  const into = new Float32Array(store.values.length);
  const program = new EagerProgram('cpu', MODEL.training, store, { of: 'loss', into });
  await program.run(examples());
  const { numTensors, numDataBuffers } = tf.memory();
  await program.run(examples());
  await expect(program.run(images(1))).rejects.toThrow(); // without targets
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
});

test('results belong to the caller: a later run does not change them', async () => {
  const program = new EagerProgram('cpu', MODEL.inference, filledStore());
  const first = (await program.run(images(1)))['logits'].data;
  const copy = [...first];
  await program.run(images(1, 32, 32, 8));
  expect([...first]).toEqual(copy);
});

test('inputs are not written to, and types are kept', async () => {
  const forward: Program['forward'] = (_params, { a, b }) => ({
    sum: a.add(b),
    less: a.less(b),
    float: a.cast('float32'),
  });
  const program = new EagerProgram('cpu', { name: 'test', forward }, new ParameterStore({}));
  const [a, b] = [integers([2], [1, 5]), integers([2], [2, 3])];
  const { sum, less, float } = await program.run({ a, b });
  expect(sum.data).toEqual(Int32Array.of(3, 8));
  expect(less.data).toEqual(Uint8Array.of(1, 0));
  expect(float.data).toEqual(Float32Array.of(1, 5));
  expect(a.data).toEqual(Int32Array.of(1, 5));
});

test('unregistered backends and inputs of the wrong size are rejected', async () => {
  const store = filledStore();
  const missing = new EagerProgram('no-such-backend', MODEL.inference, store);
  await expect(missing.run(images(1))).rejects.toThrow(ConfigError);
  await expect(missing.run(images(1))).rejects.toThrow('no-such-backend');
  const program = new EagerProgram('cpu', MODEL.inference, store);
  const wrong = { image: { shape: [1, 32, 32, 3], data: floats([2], [1, 2]).data } };
  await expect(program.run(wrong)).rejects.toThrow(ShapeError);
});
