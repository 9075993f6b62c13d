import { cpus } from 'node:os';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { DataError } from '../../core/errors.js';
import type { SegmentationSet } from '../../datasets/folder.js';
import { Loader } from '../../datasets/loader.js';
import type { SegmentationSample } from '../../datasets/sample.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { SegmenterCard } from '../../models/segmenter-card.js';
import { loadSegmenterBackbone } from '../../models/segmenter-weights.js';
import { createSegmenterPredictor, WHOLE_IMAGE } from '../../models/segmenter.js';
import { createUperNet, type UperNet, type UperNetConfig } from '../../models/upernet.js';
import type { RunState } from '../checkpoints.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { ownBatchSize, shardOf, type Shard } from '../distributed/shard.js';
import type { TrainResult } from '../loop.js';
import { trainLoop } from '../loop.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import {
  SEGMENTATION_PIPELINE,
  type SegmentationBatch,
  type SegmentationPipelineOptions,
} from '../pipelines/segment.js';
import type { RunSettings } from '../run-settings.js';
import { assertSchedule, type Schedule } from '../schedule.js';
import { startRun, type RunOptions } from '../start-run.js';
import type { Scalars } from '../task.js';
import type { SegmentationConfig } from '../config/segment.js';
import { evaluateSegmenter } from './evaluate.js';
import { SampleSegmentations } from './samples.js';
import { createSegmentationTask } from './task.js';

/** What {@link trainSegmenter} is asked to do. */
export interface TrainSegmenterOptions extends RunOptions {
  readonly config: SegmentationConfig;
  readonly training: SegmentationSet;
  /** Absent: no evaluation. */
  readonly validation?: SegmentationSet;
  /** Weight file of a classifier or autoencoder to start the backbone from. */
  readonly weights?: string;
}

/**
 * Trains a segmenter in a run folder.
 *
 * @throws DataError, ConfigError, WeightsError before any work starts; WorkError if it fails on the way
 */
export async function trainSegmenter(options: TrainSegmenterOptions): Promise<TrainResult> {
  const { config, engine, training, validation, seed, communicator = SINGLE_PROCESS } = options;
  assertData(training, validation);
  const head: UperNetConfig = { ...config.head, numClasses: training.classes.length };
  const model: UperNet = createUperNet(createDenseBackbone(config.backbone), head);
  const { buffers, store, restored } = await startRun(
    model.specs,
    config,
    options,
    loadSegmenterBackbone,
  );
  const loader = trainingLoader(config, training, seed, shardOf(communicator));
  const settings = settingsOf(config, store, loader.numBatches(), options.maxSteps);
  const { dropPathRate, dropoutRate, batchNormOver, batchNormMomentum, accumulation } = config;
  const task = createSegmentationTask({
    engine,
    model,
    buffers,
    dropPathRate,
    dropoutRate,
    batchNormOver,
    batchNormMomentum,
    accumulation,
    seed,
    communicator,
    files: training.samples,
    ...(validation
      ? {
          evaluate: (weights, which) => {
            const samples =
              which === 'weights' ? new SampleSegmentations(validation, options.folder) : undefined;
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
      state: restored?.state ?? stateOf(options, head),
      startStep: restored?.step ?? 0,
    });
  } finally {
    await task.release();
    await loader.close();
  }
}

function assertData(training: SegmentationSet, validation: SegmentationSet | undefined): void {
  if (training.classes.length < 2)
    throw new DataError(`train: expected at least two classes, got ${training.classes.length}`);
  if (validation && validation.classes.join('\n') !== training.classes.join('\n'))
    throw new DataError(
      `train: expected the classes of ${training.source} for validation, got others in ${validation.source}`,
    );
}

function trainingLoader(
  config: SegmentationConfig,
  set: SegmentationSet,
  seed: number,
  shard: Shard,
): Loader<SegmentationSample, SegmentationBatch> {
  const { geometry, photometric, pixels, batchSize, workers } = config;
  const pipelineOptions: SegmentationPipelineOptions = {
    transform: { kind: 'training', geometry, ...(photometric ? { photometric } : {}) },
    pixels,
    mapping: set.mapping,
  };
  return new Loader({
    samples: set.samples,
    sampler: {
      batchSize: ownBatchSize(batchSize, set.samples.length, shard),
      shard,
      shuffle: true,
      seed,
      lastBatch: 'drop',
    },
    pipeline: SEGMENTATION_PIPELINE,
    pipelineOptions,
    numWorkers: Math.min(workers, Math.max(1, cpus().length)),
  });
}

function settingsOf(
  config: SegmentationConfig,
  store: ParameterStore,
  batchesPerEpoch: number,
  maxSteps: number | null,
): RunSettings {
  const { steps, lr, minLr, power, warmup, layers, weightDecay, decayGrn } = config;
  const schedule: Schedule = { kind: 'poly', lr, minLr, power, steps, warmup };
  assertSchedule('train', schedule);
  const trained = store.entries.filter(({ spec }) => spec.trainable);
  const groups = groupParameters(trained, { layers, weightDecay, decayGrn });
  const stepsPerEpoch = Math.max(1, Math.floor(batchesPerEpoch / config.accumulation));
  const epochs = (every: number): number => Math.max(1, Math.round(every / stepsPerEpoch));
  return {
    optimizer: config.optimizer,
    schedule,
    parameterRuns: parameterRuns(groups, trained),
    epochs: Infinity, // ends by steps
    accumulation: config.accumulation,
    clipNorm: config.clipNorm,
    emaDecay: config.emaDecay,
    logEvery: config.logEvery,
    evaluateEvery: epochs(config.evaluateEverySteps),
    checkpointEvery: epochs(config.checkpointEverySteps),
    keepCheckpoints: config.keepCheckpoints,
    bestMetric: 'mIoU',
    maxSteps: Math.min(steps, maxSteps ?? Infinity),
  };
}

/** Scores weights on validation data at a single scale, and draws the samples. */
async function validate(
  { config, engine }: TrainSegmenterOptions,
  set: SegmentationSet,
  {
    model,
    store,
    samples,
  }: {
    readonly model: UperNet;
    readonly store: ParameterStore;
    readonly samples: SampleSegmentations | undefined;
  },
): Promise<Scalars> {
  const { limits, window } = config.evaluation;
  const predictor = createSegmenterPredictor({ engine, model, store });
  try {
    const { aAcc, mIoU, mAcc, numImages } = await evaluateSegmenter(predictor, set, {
      numClasses: model.config.numClasses,
      pixels: config.pixels,
      limits,
      ratios: [1],
      mode: config.slide ? { window, flip: false } : WHOLE_IMAGE,
      ...(samples ? { onSegmentation: (...found) => samples.add(...found) } : {}),
    });
    samples?.finish();
    return { aAcc, mIoU, mAcc, count: numImages };
  } finally {
    await predictor.release();
  }
}

function stateOf({ config, training, seed }: TrainSegmenterOptions, head: UperNetConfig): RunState {
  const card: SegmenterCard = {
    task: 'segment',
    backbone: config.backbone,
    head,
    classNames: training.classes,
    pixels: config.pixels,
    limits: config.evaluation.limits,
    window: config.evaluation.window,
    ratios: config.evaluation.ratios,
  };
  return { card: { ...card }, config: { ...config }, seed, bestValue: null };
}
