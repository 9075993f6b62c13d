import type { SampleSource } from '../../datasets/loader/loader.js';
import type { DetectionSample } from '../../datasets/sample.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { Backbone } from '../../engine/backbone.js';
import { createFlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { createClassifier, type Classifier } from '../../models/classifier.js';
import { createClassifierTrainer } from '../classify/trainer.js';
import type { ObjectPretraining } from '../config/object-pretraining.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { Meter } from '../meter.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import { learningRate, type Schedule } from '../schedule.js';
import { trainStep } from '../step.js';
import { StepsLeft } from '../steps-left.js';
import type { WarmUpRequest } from '../tasks/task.js';
import { assertRunning, cutOutAll, drawBatches } from './cutout-batches.js';
import { isTrial, PretrainingLength, pretrainingSteps } from './pretraining-length.js';

const WEIGHT_DECAY = 0.05;
const WARMUP = 0.1;
const CLIP_NORM = 5;
const LABEL_SMOOTHING = 0.1;
/** Steps over which the fraction of right answers is averaged. */
const LAST_STEPS = 20;

/** Arguments of {@link pretrainOnObjects}. */
interface PretrainingContext {
  readonly engine: Engine;
  /** Composes the classifier, whose backbone has the parameters of the detector's. */
  readonly network: Backbone;
  readonly backbone: Classifier['config']['backbone'];
  readonly numClasses: number;
  readonly samples: SampleSource<DetectionSample>;
  readonly pixels: PixelStats;
  readonly seed: number;
}

/**
 * Trains a backbone from scratch to tell the objects of a detection set from each other and from background, on cut-out
 * pictures of them: a step sees thirty objects for the price of one of a detector's images, and all layers see them at one
 * size, so that classes are learned in a fraction of the time. Depends on data, seed, settings and number of steps alone. The method
 * is ours; what it gains is measured in docs/little-data.md.
 *
 * @param store parameters of the detector; those of the backbone are changed
 * @returns number of steps; undefined for a trial
 * @throws DataError for an image that cannot be decoded; WorkError if it is aborted, or a value is not finite
 */
export async function pretrainOnObjects(
  store: ParameterStore,
  config: ObjectPretraining,
  context: PretrainingContext,
  request: WarmUpRequest,
): Promise<number | undefined> {
  const most = pretrainingSteps(config, request);
  if (most === 0) return 0;
  const { note, waits, signal, stopsAfter } = request;
  if (isTrial(request)) {
    note(
      `--steps ${stopsAfter}: so short a trial leaves out the training on cut-out objects (${most} steps) that a whole run begins with, also if it goes on later`,
    );
    return undefined;
  }
  const length = new PretrainingLength(most, request);
  const { engine, network, backbone, numClasses, samples, pixels, seed } = context;
  waits?.('cutting out the objects of the training images');
  const cutouts = await cutOutAll(samples, config, { numClasses, seed, signal });
  if (new Set(cutouts.map(({ classIndex }) => classIndex)).size < 2) return 0;
  const upTo = request.minutes === undefined ? '' : 'up to ';
  note(
    `first the backbone learns to tell ${cutouts.length} cut-out pictures of objects and background apart: ${upTo}${most} steps`,
  );
  const classes = numClasses + 1;
  const model = createClassifier({ backbone, classes, headInitScale: 1 }, network);
  const buffers = createFlatBuffers(parameterSize(model.specs), { moments: 2 });
  const own = new ParameterStore(model.specs, buffers.parameters);
  own.initialize(seed);
  copyBackbone(store, own, 'toClassifier');
  const trainable = own.entries.filter(({ spec }) => spec.trainable);
  const groups = {
    layers: { kind: 'uniform' },
    weightDecay: WEIGHT_DECAY,
    decayGrn: false,
  } as const;
  const settings = {
    optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
    accumulation: 1,
    clipNorm: CLIP_NORM,
    emaDecay: null,
    parameterRuns: parameterRuns(groupParameters(trainable, groups), trainable),
  } as const;
  const trainer = createClassifierTrainer({
    engine,
    model,
    buffers,
    seed,
    dropPathRate: 0,
    labelSmoothing: LABEL_SMOOTHING,
    samples: { length: cutouts.length, at: () => undefined },
  });
  const meter = new Meter(SINGLE_PROCESS);
  const batches = drawBatches(cutouts, config, { pixels, seed });
  const left = new StepsLeft('the backbone learns the objects', most);
  let right = 0;
  try {
    for (let step = 0; step < length.steps; step++) {
      assertRunning(signal);
      const lr = learningRate(scheduleOf(length.steps, config.lr), { step, epoch: 0 });
      const { losses } = await trainStep({ trainer, buffers, settings }, batches, {
        communicator: SINGLE_PROCESS,
        step,
        lr,
        meter,
      });
      length.stepped();
      right += (losses['top1'] - right) / Math.min(step + 1, LAST_STEPS);
      const line = left.line(step + 1);
      if (line !== undefined) waits?.(line);
    }
  } finally {
    await trainer.release();
  }
  note(`of the last cutouts, ${Math.round(100 * right)} % were told apart`);
  copyBackbone(store, own, 'fromClassifier');
  return length.steps;
}

/** Warm-up, then linear decay to 0. */
function scheduleOf(steps: number, lr: number): Schedule {
  const warmup = { steps: Math.ceil(WARMUP * steps), ratio: 0.01 };
  return { kind: 'poly', power: 1, minLr: 0, lr, steps, warmup };
}

/** Copies the backbone's parameters, which are below `backbone` in a detector, in one direction. */
function copyBackbone(
  detector: ParameterStore,
  classifier: ParameterStore,
  direction: 'toClassifier' | 'fromClassifier',
): void {
  const ofDetector = new Map(detector.entries.map((entry) => [entry.path, entry]));
  for (const entry of classifier.entries) {
    const other = ofDetector.get(`backbone.${entry.path}`);
    if (!other) continue;
    const a = classifier.view(entry, classifier.values);
    const b = detector.view(other, detector.values);
    if (direction === 'toClassifier') a.set(b);
    else b.set(a);
  }
}
