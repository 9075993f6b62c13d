import { join } from 'node:path';
import { numVisiblePatches, patchGrid } from '../../backbone/masking.js';
import { DataError } from '../../core/errors.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { encodeRgbPng } from '../../io/png/write.js';
import type { RgbImage } from '../../core/image.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { createFcmae } from '../../models/fcmae.js';
import type { FcmaeCard } from '../../models/fcmae-weights.js';
import { loadFcmae } from '../../models/fcmae-weights.js';
import { summarizeWeights } from '../../weights/verify.js';
import type { RunState } from '../checkpoints.js';
import { loaderOf } from '../classify/run.js';
import type { ClassificationLoader } from '../classify/task.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { shardOf, WHOLE } from '../distributed/shard.js';
import type { TrainResult } from '../loop.js';
import { trainLoop } from '../loop.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import type { RunSettings } from '../run-settings.js';
import { startRun, type RunOptions } from '../start-run.js';
import type { ClassificationTransform } from '../config/classify.js';
import type { PretrainingConfig } from '../config/pretrain.js';
import { peakLearningRate } from '../config/pretrain.js';
import type { ImageSet } from './images.js';
import { createFcmaeTask } from './task.js';

/** Name of the folder of reconstruction pictures inside a run folder. */
export const RECONSTRUCTIONS = 'reconstructions';

/** What {@link trainFcmae} is asked to do. */
export interface TrainFcmaeOptions extends RunOptions {
  readonly config: PretrainingConfig;
  readonly training: ImageSet;
  /** Held-out images; absent: no evaluation and no pictures. */
  readonly validation?: ImageSet;
  /** Weight file to start from: a whole autoencoder, or an encoder, which gets a new decoder. */
  readonly weights?: string;
}

/**
 * Pre-trains an autoencoder in a run folder. Its checkpoints are what classifier, detector and segmenter start from, and what
 * `weights convert` writes in the official dense (encoder) and sparse (whole) layouts.
 *
 * @throws DataError, ConfigError, WeightsError before any work starts; WorkError if it fails on the way
 */
export async function trainFcmae(options: TrainFcmaeOptions): Promise<TrainResult> {
  const { config, engine, training, validation, seed, folder } = options;
  const { communicator = SINGLE_PROCESS } = options;
  assertMasking(config);
  if (training.samples.length === 0) throw new DataError('train: expected images, got none');
  const model = createFcmae(config.fcmae);
  const { buffers, store, restored } = await startRun(
    model.specs,
    { ...config, emaDecay: null },
    options,
    async (file, parameters) => {
      const { hasDecoder } = await summarizeWeights(file);
      await loadFcmae(file, parameters, { encoderOnly: !hasDecoder });
    },
  );
  const open = (set: ImageSet, transform: ClassificationTransform): ClassificationLoader => {
    const isTraining = transform.kind === 'training';
    const { samples } = set;
    const unlabelled = { layout: set.folder, split: 'all', samples, classes: [], ignoredFiles: [] };
    const shard = isTraining ? shardOf(communicator) : WHOLE;
    return loaderOf(
      config,
      { ...unlabelled, split: 'all' },
      { transform, seed, isTraining, shard },
    );
  };
  const trainLoader = open(training, config.training);
  const valLoader =
    validation && open(validation, { kind: 'evaluation', resize: config.evaluation });
  const task = createFcmaeTask({
    engine,
    model,
    buffers,
    pixels: config.pixels,
    seed,
    files: training.samples,
    numPictures: config.numPictures,
    onPicture: (index, picture) => writePicture(folder, index, picture),
    ...(valLoader ? { validation: valLoader } : {}),
  });
  try {
    return await trainLoop({
      ...options,
      task,
      source: {
        batchesPerEpoch: trainLoader.numBatches(),
        epoch: (epoch, from) => trainLoader.epoch(epoch, from),
      },
      buffers,
      settings: settingsOf(config, store, communicator.size, options.maxSteps),
      state: restored?.state ?? stateOf(options),
      startStep: restored?.step ?? 0,
    });
  } finally {
    await task.release();
    await trainLoader.close();
    await valLoader?.close();
  }
}

/** Sizes and ratio, checked before anything is read. */
function assertMasking({ fcmae, training, evaluation }: PretrainingConfig): void {
  const sides = [
    evaluation.inputSize,
    ...(training.kind === 'training' ? [training.inputSize] : []),
  ];
  for (const side of sides)
    numVisiblePatches(patchGrid({ height: side, width: side }, fcmae.patchSize), fcmae.maskRatio);
}

/** The newest picture of an image replaces the one before. */
function writePicture(folder: string, index: number, picture: RgbImage): void {
  writeAtomicallySync(join(folder, RECONSTRUCTIONS, `image-${index}.png`), encodeRgbPng(picture));
}

function settingsOf(
  config: PretrainingConfig,
  store: ParameterStore,
  numProcesses: number,
  maxSteps: number | null,
): RunSettings {
  const { epochs, minLr, warmupEpochs, weightDecay } = config;
  // As the original does: what has one axis and every bias is exempt, the mask token and GRN are not.
  const groups = groupParameters(store.entries, {
    layers: { kind: 'uniform' },
    weightDecay,
    decayGrn: true,
  });
  return {
    optimizer: config.optimizer,
    schedule: {
      kind: 'cosine',
      lr: peakLearningRate(config, numProcesses),
      minLr,
      epochs,
      warmupEpochs,
    },
    parameterRuns: parameterRuns(groups, store.entries),
    epochs,
    accumulation: config.accumulation,
    clipNorm: config.clipNorm,
    emaDecay: null,
    logEvery: config.logEvery,
    evaluateEvery: config.evaluateEvery,
    checkpointEvery: config.checkpointEvery,
    keepCheckpoints: config.keepCheckpoints,
    bestMetric: 'explained',
    maxSteps,
  };
}

function stateOf({ config, seed }: TrainFcmaeOptions): RunState {
  const { fcmae, pixels, evaluation: resize } = config;
  const card: FcmaeCard = { task: 'pretrain', fcmae, pixels, resize };
  return { card: { ...card }, config: { ...config }, seed, bestValue: null };
}
