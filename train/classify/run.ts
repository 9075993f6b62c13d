import { cpus } from 'node:os';
import { ConfigError, DataError } from '../../core/errors.js';
import { Loader } from '../../datasets/loader.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Classifier } from '../../models/classifier.js';
import { createClassifier } from '../../models/classifier.js';
import type { ClassifierCard } from '../../models/model-card.js';
import type { RunState } from '../checkpoints.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { ownBatchSize, shardOf, WHOLE, type Shard } from '../distributed/shard.js';
import type { TrainResult } from '../loop.js';
import { trainLoop } from '../loop.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import { CLASSIFICATION_PIPELINE } from '../pipelines/classify.js';
import type { ClassificationPipelineOptions } from '../pipelines/classify.js';
import type { RunSettings } from '../run-settings.js';
import { startRun, type RunOptions } from '../start-run.js';
import type { BatchSource } from '../task.js';
import type { ClassificationConfig, ClassificationTransform } from '../config/classify.js';
import { SampleClassifications } from './samples.js';
import { loadStart } from './start.js';
import type { ClassificationLoader, LoadedClassificationBatch } from './task.js';
import { createClassificationTask } from './task.js';

/** What {@link trainClassifier} is asked to do. */
export interface TrainClassifierOptions extends RunOptions {
  readonly config: ClassificationConfig;
  readonly training: ClassificationSet;
  readonly validation?: ClassificationSet;
  /** Weight file to start from: everything but the head, which is new. */
  readonly weights?: string;
}

/**
 * Trains a classifier in a run folder.
 *
 * @throws DataError, ConfigError, WeightsError before any work starts; WorkError if it fails on the way
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<TrainResult> {
  const { config, engine, training, validation, seed, communicator = SINGLE_PROCESS } = options;
  const classes = training.classes.length;
  if (classes < 2) throw new DataError(`train: expected at least two classes, got ${classes}`);
  if (training.samples.length === 0) throw new DataError('train: expected images, got none');
  assertPairs(config, training.samples.length);
  const model = createClassifier({
    backbone: config.backbone,
    classes,
    headInitScale: config.headInitScale,
  });
  const { buffers, store, restored } = await startRun(
    model.specs,
    config,
    options,
    (file, parameters) => loadStart(file, parameters, config.adaptsResponseNorm),
  );
  const trainLoader = loaderOf(config, training, {
    transform: config.training,
    seed,
    isTraining: true,
    shard: shardOf(communicator),
  });
  const valLoader =
    validation &&
    loaderOf(config, validation, {
      transform: { kind: 'evaluation', resize: config.evaluation },
      seed,
      isTraining: false,
    });
  const task = createClassificationTask({
    engine,
    model,
    buffers,
    dropPathRate: config.dropPathRate,
    labelSmoothing: config.labelSmoothing,
    seed,
    files: training.samples,
    ...(valLoader ? { validation: valLoader } : {}),
    ...(validation ? { samples: new SampleClassifications(validation, options.folder) } : {}),
  });
  try {
    return await trainLoop({
      ...options,
      task,
      source: batchSource(trainLoader),
      buffers,
      settings: settingsOf(config, store, options.maxSteps),
      state: restored?.state ?? stateOf(options, model),
      startStep: restored?.step ?? 0,
    });
  } finally {
    await task.release();
    await trainLoader.close();
    await valLoader?.close();
  }
}

/** Mixing pairs the images of a batch. */
function assertPairs({ training, batchSize }: ClassificationConfig, numImages: number): void {
  const mix = training.kind === 'training' ? training.mix : undefined;
  const isMixed = mix !== undefined && (mix.mixupAlpha > 0 || mix.cutmixAlpha > 0);
  const size = Math.min(batchSize, numImages);
  if (isMixed && size % 2 !== 0) {
    throw new ConfigError(
      `train: expected an even batch for mixup and CutMix, got ${size} images (batchSize ${batchSize}, ${numImages} images in all)`,
    );
  }
}

/** A loader over a classification set. */
export function loaderOf(
  config: Pick<ClassificationConfig, 'batchSize' | 'workers' | 'pixels'>,
  set: ClassificationSet,
  {
    transform,
    seed,
    isTraining,
    shard = WHOLE,
  }: {
    readonly transform: ClassificationTransform;
    readonly seed: number;
    readonly isTraining: boolean;
    readonly shard?: Shard;
  },
): ClassificationLoader {
  const pipelineOptions: ClassificationPipelineOptions = { transform, pixels: config.pixels };
  return new Loader({
    samples: set.samples,
    sampler: {
      batchSize: ownBatchSize(config.batchSize, set.samples.length, shard),
      shard,
      shuffle: isTraining,
      seed,
      lastBatch: isTraining ? 'drop' : 'keep',
    },
    pipeline: CLASSIFICATION_PIPELINE,
    pipelineOptions,
    numWorkers: Math.min(config.workers, Math.max(1, cpus().length)),
  });
}

function batchSource(loader: ClassificationLoader): BatchSource<LoadedClassificationBatch> {
  return {
    batchesPerEpoch: loader.numBatches(),
    epoch: (epoch, from) => loader.epoch(epoch, from),
  };
}

function settingsOf(
  config: ClassificationConfig,
  store: ParameterStore,
  maxSteps: number | null,
): RunSettings {
  const { epochs, lr, minLr, warmupEpochs, layers, weightDecay, decayGrn } = config;
  const trained = store.entries.filter(({ spec }) => spec.trainable);
  const groups = groupParameters(trained, { layers, weightDecay, decayGrn });
  return {
    optimizer: config.optimizer,
    schedule: { kind: 'cosine', lr, minLr, epochs, warmupEpochs },
    parameterRuns: parameterRuns(groups, trained),
    epochs,
    accumulation: config.accumulation,
    clipNorm: config.clipNorm,
    emaDecay: config.emaDecay,
    logEvery: config.logEvery,
    evaluateEvery: config.evaluateEvery,
    checkpointEvery: config.checkpointEvery,
    keepCheckpoints: config.keepCheckpoints,
    bestMetric: 'top1',
    maxSteps,
  };
}

function stateOf({ config, training, seed }: TrainClassifierOptions, model: Classifier): RunState {
  const card: ClassifierCard = {
    task: 'classify',
    backbone: model.config.backbone,
    classNames: training.classes.map(({ name }) => name),
    pixels: config.pixels,
    resize: config.evaluation,
  };
  return { card: { ...card }, config: { ...config }, seed, bestValue: null };
}
