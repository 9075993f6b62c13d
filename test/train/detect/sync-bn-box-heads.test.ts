import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../../engine/runtime/program.js';
import { cascadeStages } from '../../../models/cascade.js';
import type { DetectorConfig } from '../../../models/detection/config.js';
import { prepareTraining, type StepContext } from '../../../train/detect/parts.js';
import { DetectionStep } from '../../../train/detect/step.js';
import { SyncBnBoxHeads } from '../../../train/detect/sync-bn-box-heads.js';
import { SINGLE_PROCESS, type Communicator } from '../../../train/distributed/communicator.js';
import type { DetectionInput } from '../../../train/pipelines/detect.js';
import type { Scalars } from '../../../train/trainer.js';
import { expectGradient } from '../../helpers/tolerance.js';
import { ranksInOne } from '../distributed/pair.js';
import { batchOf, TINY_CONFIG, tinyDetector, tinyStore, inputOf } from './tiny-detector.js';

/** Three stages with two convolutions each, few proposals and all of them used. */
const CONFIG: DetectorConfig = {
  ...TINY_CONFIG,
  rpn: {
    ...TINY_CONFIG.rpn,
    trainProposals: { ...TINY_CONFIG.rpn.trainProposals, maxPerImage: 8 },
  },
  stages: cascadeStages({
    layers: { numConvs: 2, numFcs: 1, fcChannels: 8 },
    classAgnostic: false,
    boxLoss: { kind: 'giou', weight: 10 },
  }),
};
const MODEL = tinyDetector(CONFIG);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads: 1, spinning: false });
});

const [ONE, OTHER, EMPTY]: readonly DetectionInput[] = [
  inputOf([
    [8, 8, 40, 50],
    [50, 20, 90, 60],
  ]),
  inputOf([[20, 4, 70, 44]]),
  inputOf([]),
];

interface Outcome {
  readonly losses: Scalars;
  readonly gradients: Float32Array;
  /** With the running statistics after the step. */
  readonly parameters: Float32Array;
}

/** A step over the images `own` of a batch. */
async function step(
  inputs: readonly DetectionInput[],
  own: readonly number[],
  context: Pick<StepContext, 'communicator' | 'batchNormOver'>,
): Promise<Outcome> {
  const store = tinyStore(MODEL);
  const gradients = new Float32Array(store.values.length);
  const running = new DetectionStep(
    { engine, model: MODEL, store, gradients, ...context },
    { seed: 1, dropPathRate: 0, sampling: 'inOrder' },
  );
  const { images, shape, inputs: all } = batchOf(inputs);
  const pixels = images.length / inputs.length;
  const batch = {
    images: Float32Array.from(
      own.flatMap((n) => [...images.subarray(n * pixels, (n + 1) * pixels)]),
    ),
    shape: [own.length, shape[1], shape[2], 3] as const,
    inputs: own.map((n) => all[n]),
  };
  const { losses } = await running.run(batch, { step: 0, micro: 0 });
  await running.release();
  return { losses, gradients, parameters: store.values };
}

/** A step of two ranks with an image each; losses and gradients averaged as in training. */
async function ofTwoRanks(
  inputs: readonly DetectionInput[],
  batchNormOver: 'microBatch' | 'ranks',
): Promise<Outcome> {
  const [a, b] = await Promise.all(
    ranksInOne(2).map((communicator: Communicator, r) =>
      step(inputs, [r], { communicator, batchNormOver }),
    ),
  );
  expect(b.parameters).toEqual(a.parameters);
  const names = Object.keys(a.losses);
  return {
    losses: Object.fromEntries(names.map((name) => [name, (a.losses[name] + b.losses[name]) / 2])),
    gradients: a.gradients.map((v, i) => (v + b.gradients[i]) / 2),
    parameters: a.parameters,
  };
}

const relative = (want: readonly number[], got: readonly number[]): number =>
  Math.hypot(...want.map((v, i) => v - got[i])) / Math.hypot(...want);

/** Relative distances of losses, of the gradients of backbone and of heads, and of running statistics. */
function distances(a: Outcome, b: Outcome): readonly number[] {
  const { entries } = tinyStore(MODEL);
  const values = (
    { gradients, parameters }: Outcome,
    prefix: string,
    trainable: boolean,
  ): readonly number[] =>
    entries
      .filter(({ path, spec }) => path.startsWith(prefix) && spec.trainable === trainable)
      .flatMap(({ offset, size }) => [
        ...(trainable ? gradients : parameters).subarray(offset, offset + size),
      ]);
  const kinds = [
    ['backbone.', true],
    ['roi_head.bbox_head.', true],
    ['roi_head.bbox_head.', false],
  ] as const;
  return [
    relative(Object.values(a.losses), Object.values(b.losses)),
    ...kinds.map(([prefix, trainable]) =>
      relative(values(a, prefix, trainable), values(b, prefix, trainable)),
    ),
  ];
}

test.each([
  ['objects', [ONE, OTHER]],
  ['objects in one image only', [ONE, EMPTY]],
])(
  'two ranks are one rank with both images where batch norms cover the RoIs of both: %s',
  async (_, inputs) => {
    const whole = await step(inputs, [0, 1], { communicator: SINGLE_PROCESS });
    const both = await ofTwoRanks(inputs, 'ranks');
    for (const distance of distances(whole, both)) expect(distance).toBeLessThan(1e-5);
    expect(Math.hypot(...whole.gradients)).toBeGreaterThan(0.1);
    const alone = distances(whole, await ofTwoRanks(inputs, 'microBatch'));
    for (const distance of alone.slice(0, 3)) expect(distance).toBeGreaterThan(1e-3);
  },
);

test('a rank without RoIs waits for the others and changes nothing', async () => {
  const [rows, numRois, stage] = [8, 5, 1];
  const { boxRoiSize: P, channels: C, numClasses: K } = CONFIG;
  const size = P * P * C;
  const random = new Random(3);
  const noise = (length: number): Float32Array =>
    Float32Array.from({ length }, () => random.between(-1, 1));
  /** Of the first rows; the others fill up. */
  const first = (count: number, width: number, values: Float32Array): HostTensor => ({
    shape: width === 1 ? [rows] : [rows, width],
    data: values.map((value, i) => (i < count * width ? value : 0)),
  });
  const [features, targets] = [noise(rows * size), noise(4 * rows)];
  const references = Float32Array.from({ length: 4 * rows }, (_, i) => 10 * (i % 4) + (i >> 2));
  const inputsOf = (count: number): HostTensors => ({
    features: { shape: [rows, P, P, C], data: first(count, size, features).data },
    labels: {
      shape: [rows],
      data: Int32Array.from({ length: rows }, (_, r) => (r < count ? r % (K + 1) : -1)),
    },
    targets: first(
      count,
      4,
      targets.map((v, i) => references[i] + v),
    ),
    targetWeights: first(count, 1, new Float32Array(rows).fill(1)),
    references: { shape: [rows, 4], data: references },
    scale: { shape: [1], data: Float32Array.of(0.5) },
  });
  const store = tinyStore(MODEL);
  const [expected, ...actual] = [0, 1, 2].map(() => new Float32Array(store.values.length));
  const { prefix, training } = MODEL.boxStages[stage];
  const own = { engine, model: MODEL, store, gradients: expected, communicator: SINGLE_PROCESS };
  const whole = prepareTraining(own, training, {
    prefixes: [prefix],
    inputs: ['features'],
  });
  const fractions = new Float32Array(rows * P * P).fill(1 / (numRois * P * P), 0, numRois * P * P);
  const want = await whole.run({
    ...inputsOf(numRois),
    fractions: { shape: [1, fractions.length], data: fractions },
  });
  await Promise.all(
    ranksInOne(2).map(async (communicator, r) => {
      const context = { engine, model: MODEL, store, gradients: actual[r], communicator };
      const heads = new SyncBnBoxHeads(context);
      const own = r === 0 ? numRois : 0;
      const { outputs, moments } = await heads.run(stage, inputsOf(own), own);
      moments.forEach(({ mean, variance, count }, conv) => {
        expect(count).toBe(numRois * P * P);
        expectGradient('mean', mean, want[`mean${conv}`].data as Float32Array, 1e-5);
        expectGradient('variance', variance, want[`variance${conv}`].data as Float32Array, 1e-5);
      });
      const [ofFeatures, wanted] = [outputs, want].map(
        (from) => from['grad:features'].data as Float32Array,
      );
      if (r === 0) {
        expect(outputs['loss'].data[0]).toBeCloseTo(want['loss'].data[0], 4);
        expectGradient('features', ofFeatures, wanted, 1e-5);
      } else expect(ofFeatures.every((v) => v === 0)).toBe(true);
      await heads.release();
    }),
  );
  await whole.release();
  for (const entry of store.entries.filter(({ path }) => path.startsWith(prefix))) {
    const [own, other] = actual.map((gradients) => store.view(entry, gradients));
    expectGradient(entry.path, own, store.view(entry, expected), 1e-5);
    expect(
      other.every((v) => v === 0),
      entry.path,
    ).toBe(true);
  }
});
