import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { Random } from '../../../core/random.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../../engine/runtime/program.js';
import { createUperNet, type UperNet } from '../../../models/upernet.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { SyncBnStep } from '../../../train/segment/sync-bn-step.js';

const MODEL: UperNet = createUperNet(
  createDenseBackbone({ depths: [1, 1, 1, 1], dims: [4, 8, 8, 8], responseNorm: 'grn' }),
  { numClasses: 3, channels: 8, poolScales: [1, 2], auxiliary: { channels: 4, weight: 0.4 } },
);
const SIDE = 64;

let engine: Engine;
const store = new ParameterStore(MODEL.specs);
const releases: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads: 1, spinning: false });
  store.initialize(1);
  // Norms that do something: their initial scale and shift are the identity.
  const random = new Random(2);
  for (const { path } of store.entries)
    if (/\.bn\.(weight|bias)$/.test(path))
      store.get(path).forEach((v, i, all) => (all[i] = v + 0.3 * random.normal()));
});
afterAll(async () => {
  for (const release of releases) await release();
});

function inputs(seed: number): HostTensors {
  const random = new Random(seed);
  const normal = (...shape: number[]): HostTensor => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
  });
  return {
    image: normal(2, SIDE, SIDE, 3),
    labels: {
      shape: [2, SIDE, SIDE],
      data: Int32Array.from({ length: 2 * SIDE * SIDE }, () => random.integer(4)),
    },
    decodeMask: { shape: [2, 8], data: Float32Array.from({ length: 16 }, (_, i) => 2 * (i % 2)) },
    dropPath: { shape: [4, 2], data: Float32Array.of(1, 1, 2, 0, 1, 1, 0, 2) },
  };
}

test('cut at the batch norms, a step has the losses, statistics and gradients of the whole graph', async () => {
  const [expected, actual] = [new Float32Array(store.values.length), store.values.slice().fill(0)];
  const whole = engine.prepare(MODEL.training, store, {
    gradients: { of: 'loss', into: expected },
  });
  const cut = new SyncBnStep({
    engine,
    model: MODEL,
    store,
    into: actual,
    communicator: SINGLE_PROCESS,
  });
  releases.push(
    () => whole.release(),
    () => cut.release(),
  );
  // Twice: nothing of a step is left in the next one.
  for (const seed of [3, 4]) {
    const a = await whole.run(inputs(seed));
    const { losses, statistics } = await cut.run([inputs(seed)]);
    const scalars = Object.entries(losses[0]).map(([name, value]): [string, HostTensor] => [
      name,
      { shape: [], data: Float32Array.of(value) },
    ]);
    for (const [name, { data }] of [...scalars, ...Object.entries(statistics)]) {
      expect(a[name], name).toBeDefined();
      data.forEach((value, i) => expect(Math.abs(value - a[name].data[i])).toBeLessThan(2e-5));
    }
    const variances = Object.keys(statistics).filter((name) => name.startsWith('variance:'));
    expect(variances.length).toBe(11);
    for (const entry of store.entries) {
      const [want, got] = [store.view(entry, expected), store.view(entry, actual)];
      const scale = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      if (entry.spec.trainable) expect(scale, entry.path).toBeGreaterThan(0);
      got.forEach((v, i) =>
        expect(Math.abs(v - want[i]), `${entry.path}[${i}]`).toBeLessThan(2e-4 * scale + 1e-7),
      );
    }
  }
});
