import { beforeAll, describe, expect, test } from 'vitest';
import { createDenseBackbone, type DenseBackboneSpecs } from '../../../backbone/output-norms.js';
import { DataError, ShapeError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { createFlatBuffers, type FlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { createUperNet, type UperNet } from '../../../models/upernet.js';
import { drawChannelMask } from '../../../train/segmentation/channel-dropout.js';
import {
  createSegmentationTask,
  type LoadedSegmentationBatch,
  type SegmentationTaskOptions,
} from '../../../train/segmentation/task.js';

const MODEL: UperNet<DenseBackboneSpecs> = createUperNet(
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
  options: Partial<SegmentationTaskOptions<DenseBackboneSpecs>> = {},
): ReturnType<typeof createSegmentationTask<DenseBackboneSpecs>> {
  return createSegmentationTask<DenseBackboneSpecs>({
    engine,
    model: MODEL,
    buffers,
    dropPathRate: 0.2,
    dropoutRate: 0.1,
    batchNormMomentum: 0.1,
    accumulation: 1,
    seed: 3,
    files: [{ file: 'a.jpg' }, { file: 'b.jpg' }],
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

test('the sum over labelled pixels is divided by all of them', async () => {
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
