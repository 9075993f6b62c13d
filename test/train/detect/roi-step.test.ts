import { expect, test } from 'vitest';
import type { Boxes } from '../../../core/boxes.js';
import { Random } from '../../../core/random.js';
import type { Engine } from '../../../engine/runtime/engine.js';
import { pyramidShape, type FeatureMaps } from '../../../heads/roi/feature-maps.js';
import { RoiMemory } from '../../../heads/roi/roi-memory.js';
import { cascadeStages } from '../../../models/cascade.js';
import type { DetectorConfig } from '../../../models/detection/config.js';
import { RoiStep, type RoiStepResult } from '../../../train/detect/roi-step.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { TINY_CONFIG, tinyDetector, tinyStore, inputOf } from './tiny-detector.js';

/** An image of 640×512 pixels, so that RoIs on P5 exist. */
const CANVAS = { width: 640, height: 512 };
const SHAPE = pyramidShape([4, 8, 16, 32].map((s) => [1, 512 / s, 640 / s, TINY_CONFIG.channels]));
/** Four objects, far from each other; the last one is on P5. */
const OBJECTS = [
  [8, 8, 60, 50],
  [300, 20, 420, 110],
  [20, 300, 130, 420],
  [100, 60, 600, 500],
];
/** Background on several levels, and an RoI without area. */
const BACKGROUND = Float32Array.from([
  ...[500, 10, 540, 40],
  ...[2, 450, 30, 500],
  ...[600, 3, 600, 3],
]);

interface Run {
  readonly proposals?: Boxes;
  readonly objects?: readonly (readonly number[])[];
  /** Changes the maps before they are used. */
  readonly change?: (maps: FeatureMaps) => void;
}

/** A step over maps of noise, with an engine that notes what mask heads get. */
class Bench {
  readonly maskShapes: (readonly number[])[] = [];
  readonly model;
  readonly store;
  readonly gradients;
  readonly step;
  private readonly memory = new RoiMemory();
  private maps: FeatureMaps | undefined;
  private ofMaps: FeatureMaps | undefined;

  constructor(
    readonly real: Engine,
    config: DetectorConfig = TINY_CONFIG,
  ) {
    this.model = tinyDetector(config);
    this.store = tinyStore(this.model);
    this.gradients = new Float32Array(this.store.values.length).fill(NaN);
    const engine: Engine = {
      ...real,
      prepare: (program, store, options) => {
        const executable = real.prepare(program, store, options);
        if (program.name !== 'mask head training') return executable;
        return {
          run: (inputs, into) => {
            this.maskShapes.push(inputs['features'].shape);
            return executable.run(inputs, into);
          },
          release: () => executable.release(),
        };
      },
    };
    const { model, store, gradients } = this;
    this.step = new RoiStep({ engine, model, store, gradients, communicator: SINGLE_PROCESS });
  }

  run({ proposals = BACKGROUND, objects = OBJECTS, change }: Run = {}): Promise<RoiStepResult> {
    const arena = this.memory.begin(SHAPE, 2, this.step.bufferSizes(1, 1000));
    const maps = arena.allocateMaps();
    const mapGradients = arena.allocateMaps();
    const random = new Random(1);
    for (const map of maps.maps) map.forEach((_, i) => (map[i] = random.between(-1, 1)));
    for (const map of mapGradients.maps) map.fill(0);
    change?.(maps);
    [this.maps, this.ofMaps] = [maps, mapGradients];
    return this.step.run({
      arena,
      maps,
      mapGradients,
      proposals: [proposals],
      inputs: [inputOf(objects, CANVAS)],
      canvas: CANVAS,
      draw: () => 'inOrder',
    });
  }

  /** Copies of the gradients of the maps of the last run. */
  mapGradients(): readonly Float32Array[] {
    return (this.ofMaps as FeatureMaps).maps.map((map) => map.slice());
  }

  lastMaps(): FeatureMaps {
    return this.maps as FeatureMaps;
  }

  /** Gradients below a prefix. */
  under(prefix: string): readonly Float32Array[] {
    return this.store.entries
      .filter(({ path, spec }) => path.startsWith(prefix) && spec.trainable)
      .map((entry) => this.store.view(entry, this.gradients).slice());
  }
}

const total = ({ losses }: RoiStepResult): number =>
  Object.values(losses).reduce((a, b) => a + b, 0);
const isFinite = (arrays: readonly Float32Array[]): boolean =>
  arrays.every((array) => array.every(Number.isFinite));
const isZero = (arrays: readonly Float32Array[]): boolean =>
  arrays.every((array) => array.every((value) => value === 0));

test('a step with 4 positives computes 8 mask rows, and no more', async () => {
  const bench = new Bench(await engineOf('compiled'));
  const { stages } = await bench.run();
  expect(stages[0].rois.positives.length).toBe(4);
  expect(bench.maskShapes).toEqual([[8, 4, 4, TINY_CONFIG.channels]]);
  expect(stages[0].numMaskRows).toBe(8);
  await bench.step.release();
});

test('the gradients of P2 and P5 are those of finite differences, next to RoIs without area', async () => {
  const bench = new Bench(await engineOf('compiled'));
  await bench.run();
  const gradients = bench.mapGradients();
  expect(isFinite(gradients)).toBe(true);
  for (const level of [0, 3]) {
    // Along the gradient the loss must change by the gradient's length.
    const length = Math.sqrt(gradients[level].reduce((sum, g) => sum + g * g, 0));
    expect(length).toBeGreaterThan(1e-3);
    const moved = async (h: number): Promise<number> => {
      const change = ({ maps }: FeatureMaps): void =>
        gradients[level].forEach((g, i) => (maps[level][i] += (h * g) / length));
      return total(await bench.run({ change }));
    };
    const slope = ((await moved(0.05)) - (await moved(-0.05))) / 0.1;
    expect(Math.abs(slope - length), `level ${level}`).toBeLessThan(0.02 * length);
  }
  await bench.step.release();
});

test('many positives in several runs of the mask head give the gradients of one run', async () => {
  const engine = await engineOf('compiled');
  const bench = new Bench(engine, {
    ...TINY_CONFIG,
    stages: TINY_CONFIG.stages.map((stage) => ({
      ...stage,
      sampler: { numSamples: 64, positiveFraction: 1 },
    })),
  });
  // Every object and ten proposals close to it: 44 positives.
  const near = OBJECTS.flatMap((box) =>
    Array.from({ length: 10 }, (_, i) => box.map((side, k) => side + (k < 2 ? i : -i) / 4)),
  );
  const result = await bench.run({ proposals: Float32Array.from(near.flat()) });
  const { positives, boxes, classIndices } = result.stages[0].rois;
  expect(positives.length).toBe(44);
  expect(bench.maskShapes.map(([rows]) => rows)).toEqual([32, 16]);
  const chunked = bench.under('roi_head.mask_head.');

  const { model, store } = bench;
  const into = new Float32Array(store.values.length);
  const [stage] = model.maskStages;
  const program = engine.prepare(stage.training, store, {
    gradients: {
      of: 'loss',
      into,
      parameters: store.entries
        .map(({ path }) => path)
        .filter((path) => path.startsWith(stage.prefix)),
    },
  });
  const rows = positives.length;
  const arena = new RoiMemory().begin(SHAPE, 1, [
    { capacity: rows, outputSize: 4, withGradients: false },
  ]);
  const maps = arena.allocateMaps();
  bench.lastMaps().maps.forEach((map, i) => maps.maps[i].set(map));
  const chosen = Float32Array.from(positives, (r) => r).length;
  const own = Float32Array.from(
    { length: 4 * chosen },
    (_, k) => boxes[4 * positives[k >> 2] + (k & 3)],
  );
  const rois = { boxes: own, imageIndices: new Int32Array(rows) };
  const { features } = arena.pool(maps, rois, { outputSize: 4, capacity: rows });
  const oneHot = new Float32Array(rows * 3);
  positives.forEach((r, p) => (oneHot[3 * p + classIndices[r]] = 1));
  const { positiveMasks } = await import('../../../train/detect/roi-targets.js');
  const targets = positiveMasks(result.stages[0].rois, [inputOf(OBJECTS, CANVAS)], {
    maskSize: 8,
    canvas: CANVAS,
  });
  const { loss } = await program.run({
    features: { shape: [rows, 4, 4, TINY_CONFIG.channels], data: features },
    oneHot: { shape: [rows, 3], data: oneHot },
    targets: { shape: [rows, 8, 8], data: Float32Array.from(targets) },
    weights: { shape: [rows], data: new Float32Array(rows).fill(1) },
    scale: { shape: [1], data: Float32Array.of(1 / (rows * 64)) },
  });
  expect(result.losses['loss_mask']).toBeCloseTo(loss.data[0], 5);
  store.entries
    .filter(({ path }) => path.startsWith(stage.prefix))
    .forEach((entry, i) => expectGradient(entry.path, chunked[i], store.view(entry, into), 1e-5));
  await program.release();
  await bench.step.release();
});

test('without objects there is no box or mask loss, and the mask head’s gradients are 0', async () => {
  const bench = new Bench(await engineOf('compiled'));
  await bench.run();
  expect(isZero(bench.under('roi_head.mask_head.'))).toBe(false);
  const { losses, stages } = await bench.run({ objects: [] });
  expect(stages[0].numMaskRows).toBe(0);
  expect(losses['loss_bbox']).toBe(0);
  expect(losses['loss_mask']).toBe(0);
  expect(losses['loss_cls']).toBeGreaterThan(0);
  expect(isZero(bench.under('roi_head.mask_head.'))).toBe(true);
  expect(isFinite(bench.under('roi_head.'))).toBe(true);
  await bench.step.release();
});

test('without RoIs all losses and gradients are 0', async () => {
  const bench = new Bench(await engineOf('compiled'));
  const result = await bench.run({ objects: [], proposals: new Float32Array(0) });
  expect(result.losses).toEqual({ loss_cls: 0, loss_bbox: 0, loss_mask: 0 });
  expect(isZero(bench.under('roi_head.'))).toBe(true);
  expect(isZero(bench.mapGradients())).toBe(true);
  await bench.step.release();
});

test('500 objects in an image are sampled like any', async () => {
  const bench = new Bench(await engineOf('compiled'));
  const random = new Random(2);
  const objects = Array.from({ length: 500 }, () => {
    const [x, y] = [random.between(0, 600), random.between(0, 480)];
    return [x, y, x + random.between(4, 40), y + random.between(4, 30)];
  });
  const result = await bench.run({ objects });
  expect(result.stages[0].rois.positives.length).toBe(16);
  expect(Number.isFinite(total(result))).toBe(true);
  await bench.step.release();
});

test('boxes alone: no mask is asked for and none is computed', async () => {
  const bench = new Bench(await engineOf('compiled'), { ...TINY_CONFIG, masks: null });
  const { losses } = await bench.run();
  expect(Object.keys(losses)).toEqual(['loss_cls', 'loss_bbox']);
  expect(bench.maskShapes).toEqual([]);
  await bench.step.release();
});

test('a cascade names its stages, weighs their masks, and drops ground truths in between', async () => {
  const stages = cascadeStages({
    layers: { numConvs: 2, numFcs: 1, fcChannels: 8 },
    classAgnostic: false,
    boxLoss: { kind: 'giou', weight: 10 },
  });
  const bench = new Bench(await engineOf('compiled'), { ...TINY_CONFIG, stages });
  const before = bench.store.get('roi_head.bbox_head.1.shared_convs.0.bn.running_mean').slice();
  const result = await bench.run();
  expect(Object.keys(result.losses)).toEqual(
    [0, 1, 2].flatMap((i) => ['loss_cls', 'loss_bbox', 'loss_mask'].map((term) => `s${i}.${term}`)),
  );
  // 4 objects and 3 proposals at every stage: the objects are put in front anew each time.
  expect(result.stages.map(({ rois }) => rois.numRois)).toEqual([7, 7, 7]);
  for (const { rois } of result.stages)
    expect([...rois.boxes.subarray(0, 16)]).toEqual(OBJECTS.flat());
  expect(isFinite(bench.under('roi_head.'))).toBe(true);
  const after = bench.store.get('roi_head.bbox_head.1.shared_convs.0.bn.running_mean');
  expect(after).not.toEqual(before);
  await bench.step.release();
});
