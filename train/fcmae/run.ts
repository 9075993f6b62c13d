import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numVisiblePatches, patchGrid } from '../../backbone/masking.js';
import { ConfigError, DataError } from '../../core/errors.js';
import { encodeRgbPng } from '../../datasets/png-write.js';
import type { RgbImage } from '../../datasets/sample.js';
import { createFlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { createFcmae } from '../../models/fcmae.js';
import type { FcmaeCard } from '../../models/fcmae-weights.js';
import { loadFcmae } from '../../models/fcmae-weights.js';
import { summarizeWeights } from '../../weights/verify.js';
import type { RestoredRun, RunState } from '../checkpoints.js';
import { restoreRun } from '../checkpoints.js';
import { loaderOf } from '../classification/run.js';
import type { ClassificationLoader } from '../classification/task.js';
import type { Communicator } from '../distributed/communicator.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { shardOf, WHOLE } from '../distributed/shard.js';
import { startTogether } from '../distributed/start.js';
import type { TrainResult } from '../loop.js';
import { trainLoop } from '../loop.js';
import { groupParameters, parameterRuns } from '../parameter-groups.js';
import type { ClassificationTransform } from '../pipelines/classification.js';
import type { LogRecord, RunSettings } from '../run-settings.js';
import type { PretrainingConfig } from './config.js';
import { peakLearningRate } from './config.js';
import type { ImageSet } from './images.js';
import { createFcmaeTask } from './task.js';

/** Name of the folder of reconstruction pictures inside a run folder. */
export const RECONSTRUCTIONS = 'reconstructions';

/** What {@link trainFcmae} is asked to do. */
export interface TrainFcmaeOptions {
  readonly config: PretrainingConfig;
  readonly engine: Engine;
  readonly training: ImageSet;
  /** Held-out images; absent: no evaluation and no pictures. */
  readonly validation?: ImageSet;
  readonly folder: string;
  readonly seed: number;
  /** Weight file to start from: a whole autoencoder, or an encoder, which gets a new decoder. */
  readonly weights?: string;
  /** Go on from the newest checkpoint of the folder. */
  readonly resume: boolean;
  readonly maxSteps: number | null;
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: LogRecord) => void;
  /** Told what a resumed run starts from. */
  readonly onRestored?: (restored: RestoredRun) => void;
  readonly onNotice?: (line: string) => void;
  /** The processes that train together; one if not given. */
  readonly communicator?: Communicator;
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
  const buffers = createFlatBuffers(parameterSize(model.specs), {
    moments: config.optimizer.kind === 'adamw' ? 2 : 1,
    microGradients: config.accumulation > 1,
  });
  const store = new ParameterStore(model.specs, buffers.parameters);
  const restored = await startTogether(communicator, buffers, async () => {
    const found = options.resume ? await restoreRun(folder, store, buffers) : undefined;
    if (options.resume && !found)
      throw new ConfigError(`train: expected a checkpoint in ${folder} to resume from, got none`);
    if (found) options.onRestored?.(found);
    else {
      store.initialize(seed);
      if (options.weights) {
        const { hasDecoder } = await summarizeWeights(options.weights);
        await loadFcmae(options.weights, store, { encoderOnly: !hasDecoder });
      }
    }
    return found;
  });
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
      task,
      source: {
        batchesPerEpoch: trainLoader.numBatches(),
        epoch: (epoch, from) => trainLoader.epoch(epoch, from),
      },
      buffers,
      settings: settingsOf(config, store, communicator.size, options.maxSteps),
      folder,
      state: restored?.state ?? stateOf(options),
      startStep: restored?.step ?? 0,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.onRecord ? { onRecord: options.onRecord } : {}),
      ...(options.onNotice ? { onNotice: options.onNotice } : {}),
      communicator,
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
  mkdirSync(join(folder, RECONSTRUCTIONS), { recursive: true });
  const file = join(folder, RECONSTRUCTIONS, `image-${index}.png`);
  writeFileSync(`${file}.partial`, encodeRgbPng(picture));
  renameSync(`${file}.partial`, file);
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
