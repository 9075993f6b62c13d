import { describe, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { createClassifier } from '../../models/classifier.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { expectSame, floats, values } from '../engine/op-case.js';

const CONFIG = {
  backbone: { depths: [1, 1, 1, 1], dims: [4, 6, 8, 10], responseNorm: 'grn' },
  classes: 3,
  headInitScale: 1,
} as const;
const MODEL = createClassifier(CONFIG);

const filled = (model = MODEL): ParameterStore => {
  const store = new ParameterStore(model.specs);
  const random = new Random(4);
  for (let i = 0; i < store.values.length; i++) store.values[i] = random.between(-0.4, 0.4);
  return store;
};

const image = values(1, [2, 32, 32, 3], [-2, 2]);
const targets = floats([2, 3], [0.1, 0.7, 0.2, 1, 0, 0]);

test('parameters are those of the backbone, then norm and head', () => {
  const paths = listSpecs(MODEL.specs).map(([path]) => path);
  expect(paths.slice(-4)).toEqual(['norm.weight', 'norm.bias', 'head.weight', 'head.bias']);
  expect(paths[0]).toBe('downsample_layers.0.0.weight');
  expect(MODEL.specs.head.weight.shape).toEqual([10, 3]);
  expect(MODEL.config).toEqual(CONFIG);
});

test('a small scale makes a head that starts near zero: the first loss is log K', async () => {
  const model = createClassifier({ ...CONFIG, headInitScale: 0.001 });
  const store = new ParameterStore(model.specs);
  store.initialize(1);
  const program = await executable('compiled', model.training, store);
  const { loss } = await program.run({ image, targets });
  expect(loss.data[0]).toBeCloseTo(Math.log(3), 4);
  await program.release();
});

describe.each(RUNTIMES)('%s', (runtime) => {
  test('training gives inference’s logits and their cross-entropy', async () => {
    const store = filled();
    const inference = await executable(runtime, MODEL.inference, store);
    const training = await executable(runtime, MODEL.training, store);
    const expected = (await inference.run({ image }))['logits'];
    const { logits, loss } = await training.run({ image, targets });
    expectSame('logits', logits, expected);
    let sum = 0;
    for (let n = 0; n < 2; n++) {
      const row = Array.from(expected.data.subarray(3 * n, 3 * n + 3));
      const total = Math.log(row.reduce((a, x) => a + Math.exp(x), 0));
      row.forEach((x, k) => (sum -= targets.data[3 * n + k] * (x - total)));
    }
    expect(loss.data[0]).toBeCloseTo(sum / 2, 5);
    await Promise.all([inference.release(), training.release()]);
  });

  test('drop path is an input: ones change nothing, zeros leave stem and downsampling', async () => {
    const store = filled();
    const training = await executable(runtime, MODEL.training, store);
    const logits = async (mask?: number): Promise<number[]> => {
      const dropPath = mask === undefined ? {} : { dropPath: floats([4, 2], Array<number>(8).fill(mask)) }; // prettier-ignore
      return [...(await training.run({ image, targets, ...dropPath }))['logits'].data];
    };
    const plain = await logits();
    (await logits(1)).forEach((value, i) => expect(value).toBeCloseTo(plain[i], 5));
    const dropped = await logits(0);
    expect(dropped).not.toEqual(plain);
    // Without any branch the blocks' parameters have no influence.
    for (const { path } of store.entries)
      if (path.startsWith('stages')) store.get(path).fill(0.123);
    (await logits(0)).forEach((value, i) => expect(value).toBeCloseTo(dropped[i], 5));
    await training.release();
  });

  test('descending the gradient lowers the loss', async () => {
    const store = filled();
    const into = new Float32Array(store.values.length);
    const training = await executable(runtime, MODEL.training, store, { of: 'loss', into });
    const losses: number[] = [];
    for (let step = 0; step < 4; step++) {
      losses.push((await training.run({ image, targets }))['loss'].data[0]);
      into.forEach((g, i) => (store.values[i] -= 0.01 * g));
    }
    for (let step = 1; step < 4; step++) expect(losses[step]).toBeLessThan(losses[step - 1]);
    await training.release();
  });
});
