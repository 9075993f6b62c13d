import { cpus } from 'node:os';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { trainingSamples, type DetectionSamples } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { Loader } from '../../datasets/loader.js';
import type { DetectionSample } from '../../datasets/sample.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { DetectorConfig } from '../../models/detection/config.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { createDetector, type Detector } from '../../models/detector.js';
import type { DetectorCard } from '../../models/detector-card.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import { startDetector } from '../../models/detector-weights.js';
import type { RunState } from '../checkpoints.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { ownBatchSize, shardOf, type Shard } from '../distributed/shard.js';
import type { TrainResult } from '../loop.js';
import { trainLoop } from '../loop.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import {
  DETECTION_PIPELINE,
  type DetectionBatch,
  type DetectionPipelineOptions,
} from '../pipelines/detect.js';
import type { RunSettings } from '../run-settings.js';
import { assertSchedule, type Schedule } from '../schedule.js';
import { startRun, type RunOptions } from '../start-run.js';
import type { Scalars } from '../task.js';
import { assertTrainingData } from './check-data.js';
import type { DetectionConfig } from '../config/detect.js';
import { detectionMetrics, evaluateDetector } from './evaluate.js';
import { SampleDetections } from './samples.js';
import { createDetectionTask } from './task.js';
import { detectorView } from './views.js';

/** What {@link trainDetector} is asked to do. */
export interface TrainDetectorOptions extends RunOptions {
  readonly config: DetectionConfig;
  readonly training: CocoSet;
  /** Absent: no evaluation. */
  readonly validation?: CocoSet;
  /** Weight file to start from: a classifier, an autoencoder, or a whole detector of the same classes. */
  readonly weights?: string;
}

/**
 * Trains a detector in a run folder.
 *
 * @throws DataError, ConfigError, WeightsError before any work starts; WorkError if it fails on the way
 */
export async function trainDetector(options: TrainDetectorOptions): Promise<TrainResult> {
  const { config, engine, training, validation, seed, communicator = SINGLE_PROCESS } = options;
  assertTrainingData(training, validation, { masks: config.detector.masks !== null });
  const detector: DetectorConfig = {
    ...config.detector,
    numClasses: training.classes.names.length,
  };
  const model = createDetector(createDenseBackbone(config.backbone), detector);
  const { buffers, store, restored } = await startRun(model.specs, config, options, startDetector);
  const loader = trainingLoader(config, trainingSamples(training), seed, shardOf(communicator));
  const settings = settingsOf(config, store, loader.numBatches(), options.maxSteps);
  const task = createDetectionTask({
    engine,
    model,
    buffers,
    dropPathRate: config.dropPathRate,
    seed,
    isTrained: (path) => !isFrozen(path, config.frozenStages),
    communicator,
    ...(config.batchNormOver ? { batchNormOver: config.batchNormOver } : {}),
    ...(validation
      ? {
          evaluate: (weights, which) => {
            const samples =
              which === 'weights' ? new SampleDetections(validation, options.folder) : undefined;
            return validate(options, validation, { model, store: weights, samples });
          },
        }
      : {}),
  });
  try {
    return await trainLoop({
      ...options,
      task,
      source: {
        batchesPerEpoch: loader.numBatches(),
        epoch: (epoch, from) => loader.epoch(epoch, from),
      },
      buffers,
      settings,
      state: restored?.state ?? stateOf(options, detector),
      startStep: restored?.step ?? 0,
    });
  } finally {
    await task.release();
    await loader.close();
  }
}

/** Whether a parameter belongs to the stem or the first `stages` stages. */
export function isFrozen(path: string, stages: number): boolean {
  const stage = /^backbone\.(?:stages|downsample_layers)\.(\d)\./.exec(path)?.[1];
  return stage !== undefined && Number(stage) < stages;
}

function trainingLoader(
  { training, pixels, batchSize, workers, detector }: DetectionConfig,
  samples: DetectionSamples,
  seed: number,
  shard: Shard,
): Loader<DetectionSample, DetectionBatch> {
  const pipelineOptions: DetectionPipelineOptions = {
    transform: training,
    pixels,
    divisor: SIZE_DIVISOR_PX,
    rpn: detector.rpn,
  };
  return new Loader({
    samples,
    sampler: {
      batchSize: ownBatchSize(batchSize, samples.length, shard),
      shard,
      shuffle: true,
      seed,
      // Landscape and portrait apart, so that batches have little padding; a group need not divide by the batch.
      groups: samples.aspectGroups,
      lastBatch: 'fill',
    },
    pipeline: DETECTION_PIPELINE,
    pipelineOptions,
    numWorkers: Math.min(workers, Math.max(1, cpus().length)),
  });
}

function settingsOf(
  config: DetectionConfig,
  store: ParameterStore,
  batchesPerEpoch: number,
  maxSteps: number | null,
): RunSettings {
  const { epochs, lr, decay, warmup, layers, weightDecay, decayGrn } = config;
  const stepsPerEpoch = Math.max(1, Math.floor(batchesPerEpoch / config.accumulation));
  const schedule: Schedule =
    decay.kind === 'poly'
      ? { ...decay, lr, warmup, steps: epochs * stepsPerEpoch }
      : { ...decay, lr, warmup };
  assertSchedule('train', schedule);
  const trained = store.entries.filter(
    ({ path, spec }) => spec.trainable && !isFrozen(path, config.frozenStages),
  );
  // Depths are read off the names of all blocks, frozen ones included.
  const groups = groupParameters(
    store.entries.filter(({ spec }) => spec.trainable),
    { layers, weightDecay, decayGrn },
  );
  return {
    optimizer: config.optimizer,
    schedule,
    parameterRuns: parameterRuns(groups, trained),
    epochs,
    accumulation: config.accumulation,
    clipNorm: config.clipNorm,
    emaDecay: config.emaDecay,
    logEvery: config.logEvery,
    evaluateEvery: config.evaluateEvery,
    checkpointEvery: config.checkpointEvery,
    keepCheckpoints: config.keepCheckpoints,
    bestMetric: 'bbox_AP',
    maxSteps,
  };
}

/** Scores weights on validation data as `eval` does, and draws the samples. */
async function validate(
  { config, engine }: TrainDetectorOptions,
  set: CocoSet,
  {
    model,
    store,
    samples,
  }: {
    readonly model: Detector;
    readonly store: ParameterStore;
    readonly samples: SampleDetections | undefined;
  },
): Promise<Scalars> {
  const { limits, thresholds } = config.evaluation;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  try {
    const scores = await evaluateDetector(
      (image) => predictor.predict(detectorView(image, { limits, pixels: config.pixels })),
      set,
      {
        classNames: set.classes.names,
        masks: model.config.masks !== null,
        limits,
        onPrediction: (sample, found, image) => samples?.add(sample, found, image),
      },
    );
    samples?.finish();
    return detectionMetrics(scores);
  } finally {
    await predictor.release();
  }
}

function stateOf(
  { config, training, seed }: TrainDetectorOptions,
  detector: DetectorConfig,
): RunState {
  const card: DetectorCard = {
    task: 'detect',
    backbone: config.backbone,
    detector,
    classNames: training.classes.names,
    categoryIds: training.classes.categoryIds,
    pixels: config.pixels,
    limits: config.evaluation.limits,
    thresholds: config.evaluation.thresholds,
  };
  return { card: { ...card }, config: { ...config }, seed, bestValue: null };
}
