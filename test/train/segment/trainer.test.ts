import { beforeAll, describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { DataError, ShapeError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { createFlatBuffers, type FlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { accumulateGradients } from '../../../engine/optimizer/gradients.js';
import { createUperNet, type UperNet } from '../../../models/upernet.js';
import type { BatchNormScope } from '../../../train/distributed/batch-norm.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { shardOf } from '../../../train/distributed/shard.js';
import { drawChannelMask } from '../../../train/segment/channel-dropout.js';
import {
  createSegmenterTrainer,
  type LoadedSegmentationBatch,
  type SegmenterTrainerOptions,
} from '../../../train/segment/trainer.js';
import type { Scalars } from '../../../train/trainer.js';
import { ranksInOne } from '../distributed/pair.js';

const MODEL: UperNet = createUperNet(
  createDenseBackbone({ depths: [1, 1, 1, 1], dims: [4, 8, 8, 8], responseNorm: 'grn' }),
  {
    numClasses: 3,
    channels: 8,
    poolScales: [1, 2],
    auxiliary: { channels: 4, weight: 0.4 },
  },
);
const SIDE = 64;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

function newBuffers(microGradients = false): FlatBuffers {
  const buffers = createFlatBuffers(parameterSize(MODEL.specs), { moments: 2, microGradients });
  new ParameterStore(MODEL.specs, buffers.parameters).initialize(1);
  return buffers;
}

function newTask(
  buffers: FlatBuffers,
  options: Partial<SegmenterTrainerOptions> = {},
): ReturnType<typeof createSegmenterTrainer> {
  return createSegmenterTrainer({
    engine,
    model: MODEL,
    buffers,
    dropPathRate: 0.2,
    dropoutRate: 0.1,
    batchNormMomentum: 0.1,
    accumulation: 1,
    seed: 3,
    communicator: SINGLE_PROCESS,
    samples: [{ file: 'a.jpg' }, { file: 'b.jpg' }],
    ...options,
  });
}

function batch(label: (pixel: number) => number, seed = 1): LoadedSegmentationBatch {
  const random = new Random(seed);
  const shape = [2, SIDE, SIDE, 3] as const;
  return {
    value: {
      images: Float32Array.from({ length: 2 * SIDE * SIDE * 3 }, () => random.normal()),
      shape,
      labels: [0, 1].map(() => ({
        width: SIDE,
        height: SIDE,
        data: Uint8Array.from({ length: SIDE * SIDE }, (_, i) => label(i)),
      })),
      indices: Int32Array.of(0, 1),
    },
    release: () => undefined,
  };
}

const AT_START = { step: 0, micro: 0 };

test('where every pixel is ignored the loss and all gradients are 0, not NaN', async () => {
  const buffers = newBuffers();
  buffers.gradients.fill(NaN);
  const task = newTask(buffers);
  const losses = await task.backward(
    batch(() => 255),
    AT_START,
  );
  expect(losses).toEqual({ loss: 0, lossDecode: 0, lossAuxiliary: 0 });
  const trained = task.store.entries.filter(({ spec }) => spec.trainable);
  for (const entry of trained)
    expect(task.store.view(entry, buffers.gradients).every((value) => value === 0)).toBe(true);
  await task.release();
});

test('the sum over labeled pixels is divided by all of them', async () => {
  const loss = async (label: (pixel: number) => number): Promise<number> => {
    const task = newTask(newBuffers());
    const { lossDecode } = await task.backward(batch(label), AT_START);
    await task.release();
    return lossDecode;
  };
  const upper = (i: number): boolean => i < (SIDE * SIDE) / 2;
  const whole = await loss(() => 1);
  const half = await loss((i) => (upper(i) ? 1 : 255));
  const otherHalf = await loss((i) => (upper(i) ? 255 : 1));
  expect(half + otherHalf).toBeCloseTo(whole, 5);
});

test('the same seed gives the same numbers, another step draws other masks', async () => {
  const run = async (step: number): Promise<number> => {
    const task = newTask(newBuffers(), { dropoutRate: 0.5 });
    const { loss } = await task.backward(
      batch((i) => i % 3),
      { step, micro: 0 },
    );
    await task.release();
    return loss;
  };
  const first = await run(0);
  expect(await run(0)).toBe(first);
  expect(await run(1)).not.toBe(first);
});

test('micro-batches enter the running statistics once, joined', async () => {
  const norm = 'decode_head.fpn_bottleneck.bn';
  const statistics = async (accumulation: number, seeds: readonly number[]): Promise<number[]> => {
    const task = newTask(newBuffers(true), { accumulation, dropPathRate: 0 });
    for (const [micro, seed] of seeds.entries())
      await task.backward(
        batch((i) => i % 3, seed),
        { step: 0, micro },
      );
    const values = ['running_mean', 'running_var'].map((kind) =>
      Array.from(task.store.get(`${norm}.${kind}`)),
    );
    await task.release();
    return values.flat();
  };
  const untouched = [...Array<number>(8).fill(0), ...Array<number>(8).fill(1)];
  expect(await statistics(2, [1])).toEqual(untouched);
  const [one, two] = [await statistics(1, [1]), await statistics(1, [2])];
  const both = await statistics(2, [1, 2]);
  // Means of equal batches are averaged; the variance gains what lies between the means.
  const count = 2 * (SIDE / 4) ** 2;
  const seen = (running: number): number => (running - 0.9) / 0.1; // the batch's unbiased variance
  for (let c = 0; c < 8; c++) {
    expect(both[c]).toBeCloseTo((one[c] + two[c]) / 2, 6);
    const within = ((seen(one[8 + c]) + seen(two[8 + c])) / 2) * ((count - 1) / count);
    const between = ((one[c] - two[c]) / 0.1 / 2) ** 2;
    const unbiased = (within + between) * ((2 * count) / (2 * count - 1));
    expect(seen(both[8 + c])).toBeCloseTo(unbiased, 4);
  }
});

describe('batch norms over the step', () => {
  /** Four images, divided into batches of the given sizes. */
  const divided = (numBatches: number, of: readonly number[]): LoadedSegmentationBatch[] => {
    const whole = [0, 1].map((seed) => batch((i) => (i + seed) % 4, 11 + seed).value);
    const pixels = SIDE * SIDE * 3;
    const image = (n: number): Float32Array =>
      whole[n >> 1].images.subarray((n % 2) * pixels, ((n % 2) + 1) * pixels);
    const label = (n: number): Uint8Array =>
      Uint8Array.from({ length: SIDE * SIDE }, (_, i) => ((i >> n) % 5 === 0 ? 255 : (i + n) % 3));
    const count = of.length / numBatches;
    return Array.from({ length: numBatches }, (_, b) => {
      const own = of.slice(b * count, (b + 1) * count);
      const images = new Float32Array(count * pixels);
      own.forEach((n, i) => images.set(image(n), i * pixels));
      const labels = own.map((n) => ({ width: SIDE, height: SIDE, data: label(n) }));
      const value = { images, shape: [count, SIDE, SIDE, 3] as const, labels };
      return { value: { ...value, indices: Int32Array.from(own) }, release: () => undefined };
    });
  };

  interface Step {
    readonly losses: Readonly<Record<string, number>>;
    readonly gradients: Float32Array;
    readonly parameters: Float32Array;
  }

  /** One step of some ranks with some micro-batches each. */
  async function step(
    numRanks: number,
    accumulation: number,
    batchNormOver: BatchNormScope = 'step',
  ): Promise<Step> {
    const ranks = await Promise.all(
      ranksInOne(numRanks).map(async (communicator, r) => {
        const buffers = newBuffers(accumulation > 1);
        const task = newTask(buffers, {
          batchNormOver,
          accumulation,
          communicator,
          dropPathRate: 0.5,
          dropoutRate: 0.3,
        });
        // As the loader divides: image i belongs to rank i mod ranks.
        const own = [0, 1, 2, 3].filter((n) => n % numRanks === r);
        const batches = divided(accumulation, own);
        const position = { step: 0, shard: shardOf(communicator) };
        const losses: Scalars[] = [];
        if (task.backwardTogether) losses.push(...(await task.backwardTogether(batches, position)));
        else
          for (const [micro, given] of batches.entries()) {
            losses.push(await task.backward(given, { ...position, micro }));
            if (accumulation > 1)
              accumulateGradients(buffers, { index: micro, count: accumulation });
          }
        await task.release();
        return { losses, ...buffers };
      }),
    );
    for (const { parameters } of ranks) expect(parameters).toEqual(ranks[0].parameters);
    const all = ranks.flatMap(({ losses }) => losses);
    const mean = (term: string): number =>
      all.reduce((sum, losses) => sum + losses[term], 0) / all.length;
    return {
      losses: Object.fromEntries(Object.keys(all[0]).map((term) => [term, mean(term)])),
      gradients: ranks[0].gradients.map(
        (_, i) => ranks.reduce((sum, { gradients }) => sum + gradients[i], 0) / numRanks,
      ),
      parameters: ranks[0].parameters,
    };
  }

  /** `|a − b| / |a|` of losses, of all gradients and of all running statistics: the largest. */
  function distance(a: Step, b: Step): number {
    const { entries } = new ParameterStore(MODEL.specs);
    const relative = (want: readonly number[], got: readonly number[]): number =>
      Math.hypot(...want.map((v, i) => v - got[i])) / Math.hypot(...want);
    const values = ({ losses, gradients, parameters }: Step): readonly (readonly number[])[] => [
      Object.values(losses),
      ...[gradients, parameters].map((from) =>
        entries
          .filter(({ spec }) => spec.trainable === (from === gradients))
          .flatMap(({ offset, size }) => [...from.subarray(offset, offset + size)]),
      ),
    ];
    const [want, got] = [values(a), values(b)];
    return Math.max(...want.map((own, kind) => relative(own, got[kind])));
  }

  test.each([
    [1, 2],
    [1, 4],
    [2, 2],
  ])(
    '%i rank(s) with %i micro-batches are one with one batch: losses, gradients, running statistics',
    async (numRanks, accumulation) => {
      const difference = distance(await step(1, 1), await step(numRanks, accumulation));
      expect(difference).toBeLessThan(1e-5);
    },
  );

  test('one batch alone is a whole step; buffers without room for its parts are rejected', async () => {
    const [of, options] = [newBuffers(true), { batchNormOver: 'step', accumulation: 2 } as const];
    const task = newTask(of, options);
    const mean = task.store.get('decode_head.fpn_bottleneck.bn.running_mean');
    expect(mean.every((value) => value === 0)).toBe(true);
    const { loss } = await task.backward(
      batch((i) => i % 3),
      AT_START,
    );
    expect(loss).toBeGreaterThan(0);
    expect(mean.some((value) => value !== 0)).toBe(true);
    expect(of.gradients.some((value) => value !== 0)).toBe(true);
    await task.release();
    expect(() => newTask(newBuffers(), options)).toThrow(
      'batchNormOver: expected buffers with microGradients for step, got none',
    );
  });

  test('alone in micro-batches or ranks they give another step; ranks keep the same parameters', async () => {
    const whole = await step(1, 1);
    expect(distance(whole, await step(1, 2, 'ranks'))).toBeGreaterThan(0.01);
    expect(distance(whole, await step(2, 1, 'microBatch'))).toBeGreaterThan(0.01);
    expect(distance(whole, await step(2, 1, 'ranks'))).toBeLessThan(1e-5);
  });
});

describe('bad input', () => {
  test('a label that is no class is named with its file', async () => {
    const task = newTask(newBuffers());
    const running = task.backward(
      batch(() => 3),
      AT_START,
    );
    await expect(running).rejects.toThrow(DataError);
    await expect(running).rejects.toThrow(
      'a.jpg, b.jpg: expected labels 0 to 2 or 255 (ignored), got 3',
    );
    await task.release();
  });

  test('labels of another size than the image', async () => {
    const task = newTask(newBuffers());
    const good = batch(() => 0);
    const labels = [{ width: 2, height: 2, data: new Uint8Array(4) }, good.value.labels[1]];
    const running = task.backward({ ...good, value: { ...good.value, labels } }, AT_START);
    await expect(running).rejects.toThrow(ShapeError);
    await expect(running).rejects.toThrow("labels of the image's 64 x 64 pixels, got 2 x 2");
    await task.release();
  });
});

test('channel masks keep the expectation', () => {
  const mask = drawChannelMask(0.25, [40, 50], { seed: 1, step: 2, micro: 0, head: 0 });
  expect(new Set(mask)).toEqual(new Set([0, Math.fround(4 / 3)]));
  const mean = mask.reduce((sum, value) => sum + value, 0) / mask.length;
  expect(Math.abs(mean - 1)).toBeLessThan(0.05);
});
