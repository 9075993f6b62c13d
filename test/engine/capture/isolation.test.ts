import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { ConfigError } from '../../../core/errors.js';
import { captureGraph } from '../../../engine/capture/capture.js';
import { ensureCaptureBackend } from '../../../engine/capture/register.js';
import { layer } from '../../../engine/capture/scope.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { evaluate, type Program } from '../../../engine/runtime/program.js';

tf.env().set('PROD', true);

/** Captures a function of `x` `[2, 3]`. */
const capture = (body: (x: tf.Tensor) => tf.Tensor): OnnxGraph =>
  captureGraph({
    name: 'test',
    lowering: { kind: 'portable' },
    inputs: { x: { shape: [2, 3], type: 'float32' } },
    body: ({ x }) => ({ y: body(x) }),
  });

/** State that a capture must not change. */
const engineState = (): readonly unknown[] => {
  const { state, backendName } = tf.engine();
  return [
    backendName,
    tf.memory().numTensors,
    tf.memory().numDataBuffers,
    state.activeTape?.length,
    state.gradientDepth,
    state.kernelDepth,
    state.activeScope,
    [...state.scopeStack],
    ensureCaptureBackend().numDataIds(),
  ];
};

const ops = ({ nodes }: OnnxGraph): string[] => nodes.map(({ op }) => op);

describe.each(['cpu', 'wasm'])('on the backend %s', (backend) => {
  beforeEach(() => tf.setBackend(backend));

  test('a capture inside a tidy does not affect the tidy', () => {
    const result = tf.tidy('outer', () => {
      const before = tf.tensor1d([1, 2]);
      const state = engineState();
      expect(ops(capture((x) => x.relu().neg()))).toEqual(['Relu', 'Neg']);
      expect(engineState()).toEqual(state);
      return before.add(tf.scalar(1)); // still on the same backend
    });
    expect([...result.dataSync()]).toEqual([2, 3]);
    result.dispose();
  });

  test('a capture inside a gradient function does not use or change the tape', () => {
    const gradient = tf.grad((x) => {
      const square = x.square();
      const state = engineState();
      const graph = capture((y) => tf.grad((z) => z.sin().sum())(y.neg()));
      expect(ops(graph)).toContain('Cos');
      expect(engineState()).toEqual(state);
      return square.sum();
    });
    expect([...gradient(tf.tensor1d([1, -3])).dataSync()]).toEqual([2, -6]);
  });

  test('a throw in the body restores everything', () => {
    tf.tidy(() => {
      const state = engineState();
      const failing = (): OnnxGraph =>
        capture((x) =>
          layer('stages.0', () => {
            tf.grad((z) => z.mul(2).sum())(x);
            throw new RangeError('from the body');
          }),
        );
      expect(failing).toThrow(RangeError);
      expect(engineState()).toEqual(state);
      expect(ops(capture((x) => x.relu()))).toEqual(['Relu']);
    });
  });

  test('repeated captures leak neither tensors nor data', () => {
    capture((x) => x.relu());
    const state = engineState();
    for (let i = 0; i < 3; i++) capture((x) => x.matMul(tf.randomNormal([3, 3])).softmax());
    expect(engineState()).toEqual(state);
  });
});

describe('a program whose gradient fails', () => {
  beforeEach(() => tf.setBackend('cpu'));

  const store = new ParameterStore({});
  const program = (body: (x: tf.Tensor) => Record<string, tf.Tensor>): Program => ({
    name: 'test',
    forward: (_params, { x }) => body(x),
  });
  const run = (p: Program): OnnxGraph =>
    captureGraph({
      name: 'test',
      lowering: { kind: 'portable' },
      inputs: { x: { shape: [2, 3], type: 'float32' } },
      body: (inputs) => evaluate(p, store, new Map(), inputs, { of: 'loss', inputs: ['x'] }),
    });

  test.each<[string, (x: tf.Tensor) => Record<string, tf.Tensor>, string]>([
    ['in the forward pass', (x) => ({ loss: tf.cumsum(x).sum() }), 'Cumsum'],
    ['in the backward pass', (x) => ({ loss: tf.elu(x.mul(x)).sum(), more: x.neg() }), 'EluGrad'],
    ['for want of its loss', (x) => ({ more: x.neg() }), 'expected an output loss, got none'],
  ])('%s leaks no tensor and no tape', (_where, body, message) => {
    const state = engineState();
    expect(() => run(program(body))).toThrow(message);
    expect(engineState()).toEqual(state);
    expect(ops(run(program((x) => ({ loss: x.square().sum() }))))).toContain('ReduceSum');
    expect(engineState()).toEqual(state);
  });

  test('also on an eager backend', () => {
    const x = tf.ones([2, 3]);
    const state = engineState();
    const failing = program((y) => {
      const result = tf.customGrad((z, save) => {
        (save as tf.GradSaveFunc)([z as tf.Tensor]);
        const gradFunc = (): tf.Tensor => {
          throw new RangeError('from the gradient');
        };
        return { value: (z as tf.Tensor).mul(2), gradFunc };
      })(y.neg());
      return { loss: result.sum(), more: y.exp() };
    });
    const gradients = (): unknown =>
      tf.tidy(() => evaluate(failing, store, new Map(), { x }, { of: 'loss', inputs: ['x'] }));
    expect(gradients).toThrow(RangeError);
    expect(engineState()).toEqual(state);
    x.dispose();
  });
});

describe('messages', () => {
  beforeEach(() => tf.setBackend('cpu'));

  const error = (body: (x: tf.Tensor) => tf.Tensor): Error => {
    try {
      capture(body);
    } catch (cause) {
      return cause as Error;
    }
    throw new Error('expected the capture to throw');
  };

  test('an unsupported kernel is named, with its op, its layer and a remedy', () => {
    const thrown = error((x) => layer('stages.1', () => layer('block', () => tf.cumsum(x))));
    expect(thrown).toBeInstanceOf(ConfigError);
    for (const part of ['Cumsum', 'layer stages.1/block', 'op cumsum', 'compose the op'])
      expect(thrown.message).toContain(part);
  });

  test('an unsupported kernel of a gradient is named', () => {
    const thrown = error((x) => tf.grad((y) => tf.elu(y))(x));
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown.message).toContain('EluGrad');
    expect(thrown.message).toContain('backward');
  });

  test('reading values names the layer and says what to do', () => {
    const thrown = error((x) => layer('head', () => tf.scalar(x.sum().dataSync()[0])));
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown.message).toContain('capture of head');
    expect(thrown.message).toContain('dataSync');
    expect(thrown.message).toContain('graph input');
  });

  test('asynchronous reading is rejected in the same way', async () => {
    let reading: Promise<unknown> = Promise.resolve();
    capture((x) => {
      reading = x.data();
      reading.catch(() => undefined);
      return x.neg();
    });
    await expect(reading).rejects.toThrow(ConfigError);
  });

  test('string tensors are rejected', () => {
    expect(error(() => tf.tensor(['a'])).message).toContain('float32, int32 or bool');
  });
});

const DIST = resolve(import.meta.dirname, '../../../dist');

/** Runs `body` (JavaScript of an async function) in a worker of its own; `load` imports a built module. */
function inWorker<T>(body: string): Promise<T> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const load = (module) => import(workerData + module);
    (async () => { ${body} })().then((value) => parentPort.postMessage(value));`;
  const worker = new Worker(code, { eval: true, workerData: `${pathToFileURL(DIST)}/` });
  return new Promise((done, failed) => {
    worker.once('message', (value: T) => {
      void worker.terminate().then(() => done(value));
    });
    worker.once('error', failed);
  });
}

describe('in worker threads', () => {
  /** Compiles and runs a small classifier, several times over, and returns its losses. */
  const training = (...seeds: readonly number[]): string => `
    const { createClassifier } = await load('models/classifier.js');
    const { ParameterStore } = await load('engine/parameters/store.js');
    const { CompiledProgram } = await load('engine/runtime/compiled.js');
    const { loadOnnxRuntime } = await load('engine/runtime/load-runtime.js');
    const { probeLowering } = await load('engine/runtime/probe.js');
    const { Random } = await load('core/random.js');
    const backbone = { depths: [1, 1, 1, 1], dims: [4, 8, 12, 16], responseNorm: 'grn' };
    const model = createClassifier({ backbone, classes: 3, headInitScale: 1 });
    const store = new ParameterStore(model.specs);
    const runtime = await loadOnnxRuntime();
    const lowering = await probeLowering(runtime);
    const losses = [];
    for (const seed of ${JSON.stringify(seeds)}) for (const size of [32, 64, 32]) {
      const random = new Random(seed, size);
      for (let i = 0; i < store.values.length; i++) store.values[i] = random.between(-0.3, 0.3);
      const into = new Float32Array(store.values.length);
      const program = new CompiledProgram({ runtime, lowering }, model.training, store, { of: 'loss', into });
      const image = { shape: [1, size, size, 3], data: new Float32Array(size * size * 3).map(() => random.uniform()) };
      const { loss } = await program.run({ image, targets: { shape: [1, 3], data: Float32Array.of(0, 1, 0) } });
      losses.push(loss.data[0], into.reduce((sum, g) => sum + Math.abs(g), 0));
      await program.release();
    }
    return losses;`;

  test('two simultaneous captures give the same graphs as each alone', async () => {
    const together = await Promise.all([
      inWorker<number[]>(training(1)),
      inWorker<number[]>(training(2)),
    ]);
    expect(together.flat()).toEqual(await inWorker<number[]>(training(1, 2)));
    expect(together[0]).not.toEqual(together[1]);
    expect(together.flat().every((value) => Number.isFinite(value) && value > 0)).toBe(true);
  });

  const captured = `
    const tf = await import('@tensorflow/tfjs');
    await import('@tensorflow/tfjs-backend-wasm');
    const { captureGraph } = await load('engine/capture/capture.js');
    const capture = () => captureGraph({
      name: 'test', lowering: { kind: 'portable' },
      inputs: { x: { shape: [2], type: 'float32' } }, body: ({ x }) => ({ y: x.relu() }),
    }).nodes.map(({ op }) => op);`;

  test('works before tfjs has chosen a backend, and chooses none', async () => {
    // The wasm backend has the highest priority and starts asynchronously.
    const result = inWorker<unknown>(`${captured}
      const ops = capture();
      const chosen = tf.getBackend();
      await tf.ready();
      return [ops, chosen, tf.getBackend()];`);
    expect(await result).toEqual([['Relu'], undefined, 'wasm']);
  });

  test('works while a backend is starting, and does not disturb it', async () => {
    const result = inWorker<unknown>(`${captured}
      const starting = tf.setBackend('wasm');
      const ops = capture();
      return [ops, await starting, tf.getBackend(), tf.scalar(2).square().dataSync()[0]];`);
    expect(await result).toEqual([['Relu'], true, 'wasm', 4]);
  });
});

afterEach(() => {
  expect(tf.engine().state.activeTape ?? null).toBeNull();
});
