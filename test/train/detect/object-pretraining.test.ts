import { describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { Random } from '../../../core/random.js';
import type { DetectionSample } from '../../../datasets/sample.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import { createDetector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { pretrainOnObjects } from '../../../train/detect/object-pretraining.js';
import type { WarmUpRequest } from '../../../train/tasks/task.js';

const BACKBONE = {
  depths: [1, 1, 1, 1],
  dims: [8, 8, 16, 16],
  responseNorm: 'grn',
  initialWeights: 'fanIn',
} as const;
const NO_OBJECTS = {
  boxes: new Float32Array(0),
  classIndices: new Int32Array(0),
  segmentations: [],
  ids: new Float64Array(0),
};

/** Pictures with a red and a green square on noise. */
function samples(count: number): readonly DetectionSample[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(i);
    const [width, height] = [96, 64];
    const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(120));
    const boxes: number[] = [];
    for (const channel of [0, 1]) {
      const [x, y] = [48 * channel + random.integer(24), random.integer(40)];
      for (let row = y; row < y + 20; row++)
        for (let column = x; column < x + 20; column++)
          data[(row * width + column) * 3 + channel] = 255;
      boxes.push(x, y, x + 20, y + 20);
    }
    return {
      imageId: i,
      file: `image ${i}`,
      image: { width, height, data },
      width,
      height,
      objects: {
        boxes: Float32Array.from(boxes),
        classIndices: Int32Array.of(0, 1),
        segmentations: [],
        ids: Float64Array.of(2 * i, 2 * i + 1),
      },
      ignored: NO_OBJECTS,
    };
  });
}

/** A detector of four images. */
async function smallDetector() {
  const engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads: 1 });
  const network = createDenseBackbone(BACKBONE);
  const { specs } = createDetector(network, { ...MASK_RCNN, channels: 8, numClasses: 2 });
  const context = {
    engine,
    network,
    backbone: BACKBONE,
    numClasses: 2,
    pixels: IMAGENET_PIXELS,
    seed: 0,
    samples: { length: 4, at: (i: number) => samples(4)[i] },
  };
  return { specs, context };
}

describe('pretraining on objects', () => {
  test('teaches the backbone alone to tell objects apart, the same with the same seed', async () => {
    const engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads: 1 });
    const network = createDenseBackbone(BACKBONE);
    const { specs } = createDetector(network, { ...MASK_RCNN, channels: 8, numClasses: 2 });
    const pretrained = async (seed: number, count = 24): Promise<[ParameterStore, string[]]> => {
      const store = new ParameterStore(specs);
      store.initialize(0);
      const notes: string[] = [];
      const note = (line: string): void => void notes.push(line);
      const config = { steps: 60, batchSize: 8, size: 32, lr: 3e-3 };
      const context = {
        engine,
        network,
        backbone: BACKBONE,
        numClasses: 2,
        pixels: IMAGENET_PIXELS,
      };
      const source = {
        ...context,
        samples: { length: count, at: (i: number) => samples(count)[i] },
        seed,
      };
      await pretrainOnObjects(store, config, source, { steps: 1000, note });
      return [store, notes];
    };
    const [store, notes] = await pretrained(5);
    const initial = new ParameterStore(specs);
    initial.initialize(0);
    const changed = store.entries.filter(({ path }) =>
      store.get(path).some((value, i) => value !== initial.get(path)[i]),
    );
    expect(changed.length).toBeGreaterThan(20);
    expect(changed.every(({ path }) => path.startsWith('backbone.'))).toBe(true);
    expect(Number(/(\d+) %/.exec(notes.at(-1) ?? '')?.[1])).toBeGreaterThan(85);
    const [again] = await pretrained(5);
    expect(again.values).toEqual(store.values);
  });

  test('of a run that has to end in time takes the steps that fit, and as many when it is repeated', async () => {
    const { specs, context } = await smallDetector();
    const config = { steps: 60, batchSize: 4, size: 32, lr: 3e-3 };
    const trained = async (
      times: Pick<WarmUpRequest, 'decidedSteps' | 'now'>,
    ): Promise<[number | undefined, Float32Array]> => {
      const store = new ParameterStore(specs);
      store.initialize(0);
      const request = { steps: Infinity, minutes: 1, note: () => undefined, ...times };
      return [await pretrainOnObjects(store, config, context, request), store.values];
    };
    // Read at the start, and after two steps and ten, then for the rest: 8 steps of 0.2 s, 9 s less 4.8.
    let reads = 0;
    const now = (): number => 1600 * reads++;
    const [steps, values] = await trained({ now });
    expect(steps).toBe(10 + 21);
    const [again, sameValues] = await trained({ decidedSteps: steps, now: () => 0 });
    expect(again).toBe(steps);
    expect(sameValues).toEqual(values);
  });

  test('does not depend on where the run stops, but a trial of few steps has none', async () => {
    const { specs, context } = await smallDetector();
    const config = { steps: 50, batchSize: 4, size: 32, lr: 3e-3 };
    const notes: string[] = [];
    const trained = (stopsAfter: number): Promise<number | undefined> => {
      const store = new ParameterStore(specs);
      store.initialize(0);
      const note = (line: string): unknown => notes.push(line);
      return pretrainOnObjects(store, config, context, { steps: 1000, stopsAfter, note });
    };
    expect(await trained(99)).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/^--steps 99: .* leaves out .*50 steps/)]);
    expect(await trained(100)).toBe(50);
  });

  test('leaves everything as it is without objects of two kinds, and stops when it is told to', async () => {
    const engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads: 1 });
    const network = createDenseBackbone(BACKBONE);
    const { specs } = createDetector(network, { ...MASK_RCNN, channels: 8, numClasses: 1 });
    const store = new ParameterStore(specs);
    const config = { steps: 60, batchSize: 8, size: 32, lr: 3e-3 };
    const empty = { ...samples(1)[0], objects: NO_OBJECTS };
    const context = {
      engine,
      network,
      backbone: BACKBONE,
      numClasses: 1,
      pixels: IMAGENET_PIXELS,
      seed: 0,
      samples: { length: 1, at: () => empty },
    };
    const note = (): void => undefined;
    await pretrainOnObjects(store, config, context, { steps: 1000, note });
    expect(store.values.every((value) => value === 0)).toBe(true);
    const signal = AbortSignal.abort();
    await expect(
      pretrainOnObjects(store, config, context, { steps: 1000, note, signal }),
    ).rejects.toThrow(/stopped before the first step/);
  });
});
