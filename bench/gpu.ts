import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { variant } from '../backbone/variants.js';
import { median } from '../core/statistics.js';
import { openEngine, type Engine, type EngineOptions } from '../engine/runtime/engine.js';
import { createClassifier } from '../models/classifier.js';
import { trainedParameters } from '../train/benchmark.js';
import { classifierInputs } from '../train/classify/benchmark.js';
import { outputOf } from './child.js';
import { benchOptions } from './options.js';

/**
 * Runs the engines that can use a graphics card, compares their numbers with the CPU's and prints their times:
 *
 *     npm run bench:gpu -- --model tiny --batch 8 --size 224 --repeats 10 --python v/bin/python
 *
 * `webgpu` and `cuda` are ONNX Runtime's providers, `tensorflow` is `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`.
 * Each runs in a process of its own, so that a crashing driver ends nothing else; one that does not start is listed with
 * its reason. With `--python`, PyTorch runs timm's model on the same device. Exits with 1 if an engine computes other
 * numbers than the CPU (logits 1e-3, gradients 1e-2 of their largest values).
 */

const SELF = fileURLToPath(import.meta.url);
const PEER = join(fileURLToPath(new URL('../..', import.meta.url)), 'bench/gpu_peer.py');
const CLASSES = 1000;
const BOUNDS = { logits: 1e-3, gradients: 1e-2 } as const;

const ENGINES: Readonly<Record<string, Partial<EngineOptions>>> = {
  cpu: { kind: 'compiled', provider: 'cpu' },
  webgpu: { kind: 'compiled', provider: 'webgpu' },
  cuda: { kind: 'compiled', provider: 'cuda' },
  tensorflow: { kind: 'eager', tfjsBackend: 'tensorflow' },
};

const values = benchOptions(['python', 'child'], {
  model: 'tiny',
  batch: 8,
  size: 224,
  repeats: 10,
  engines: 'webgpu,cuda,tensorflow',
});
const { batch, size, repeats } = values;
if (!(batch >= 1) || !(size >= 32) || !(repeats >= 1))
  throw new Error('bench: expected --batch and --repeats from 1 and --size from 32');

/** Outputs of an engine, and their time. */
interface Outcome {
  readonly engine: string;
  readonly firstRunMs: number;
  readonly inferMs: number;
  readonly trainMs: number;
  readonly logits: readonly number[];
  /** Every so manieth value of the gradients. */
  readonly gradients: readonly number[];
}

/** Runs inference and training steps of a classifier with random weights on one engine. */
async function outcomeOf(engine: Engine): Promise<Outcome> {
  const backbone = variant(values.model);
  const model = createClassifier({ backbone, classes: CLASSES, headInitScale: 1 });
  const { buffers, store } = trainedParameters(model.specs, false);
  store.initialize(0);
  const inputs = classifierInputs(batch, size, CLASSES);
  const { image } = inputs;
  const inference = engine.prepare(model.inference, store, { frozen: true });
  const start = performance.now();
  const outputs = await inference.run({ image });
  const firstRunMs = performance.now() - start;
  const logits = Array.from(outputs['logits'].data);
  const inferMs = await medianMs(() => inference.run({ image }));
  await inference.release();
  const training = engine.prepare(model.training, store, {
    gradients: { of: 'loss', into: buffers.gradients },
  });
  await training.run(inputs);
  const stride = Math.ceil(buffers.gradients.length / 2000);
  const gradients = Array.from(buffers.gradients.filter((_, i) => i % stride === 0));
  const trainMs = await medianMs(() => training.run(inputs));
  await training.release();
  return { engine: engine.description, firstRunMs, inferMs, trainMs, logits, gradients };
}

async function medianMs(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}

/** Largest difference as a fraction of the largest value. */
function difference(actual: readonly number[], expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]))) / largest;
}

/** Runs one engine in a process of its own. @returns its outcome, or why there is none */
function separately(name: string): Outcome | string {
  const args = [SELF, '--child', name, '--model', values.model];
  const sizes = ['--batch', `${batch}`, '--size', `${size}`, '--repeats', `${repeats}`];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...args, ...sizes], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  if (status === 0) return JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Outcome;
  const line = stderr.split('\n').find((text) => /Error.*: /.test(text));
  return line?.trim() ?? `the process ended with ${signal ?? status}`;
}

function print(name: string, outcome: Outcome, reference: Outcome): void {
  const { engine, firstRunMs, inferMs, trainMs, logits, gradients } = outcome;
  const differences = {
    logits: difference(logits, reference.logits),
    gradients: difference(gradients, reference.gradients),
  };
  console.log(JSON.stringify({ name, engine, firstRunMs, inferMs, trainMs, differences }));
  for (const key of ['logits', 'gradients'] as const)
    if (!(differences[key] <= BOUNDS[key])) {
      process.exitCode = 1;
      console.error(
        `bench: expected the ${key} of ${name} to be the CPU's within ${BOUNDS[key]}, got ${differences[key]}`,
      );
    }
}

if (values.child !== undefined) {
  const options = ENGINES[values.child] ?? {};
  console.log(`\n${JSON.stringify(await outcomeOf(await openEngine(options)))}`);
} else {
  const reference = separately('cpu');
  if (typeof reference === 'string') throw new Error(`bench: ${reference}`);
  print('cpu', reference, reference);
  for (const name of values.engines.split(',')) {
    if (!Object.hasOwn(ENGINES, name))
      throw new Error(`--engines: expected ${Object.keys(ENGINES).join(', ')}, got ${name}`);
    const outcome = separately(name);
    if (typeof outcome === 'string') console.log(JSON.stringify({ name, leftOut: outcome }));
    else print(name, outcome, reference);
  }
  if (values.python !== undefined) {
    console.log(outputOf(values.python, [PEER, values.model, batch, size, repeats]).trim());
  }
}
