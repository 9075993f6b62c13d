import type { TargetCounts } from '../data-facts.js';
import { labelCounts } from './target-counts.js';
import { ConfigError, DataError, ShapeError } from '../../core/errors.js';
import type { LoadedBatch } from '../../datasets/loader/loader.js';
import { IGNORED_LABEL } from '../../core/image.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import type { PixelLoss } from '../../heads/pixel-losses.js';
import type { UperNet } from '../../models/upernet.js';
import type { BatchNormScope } from '../distributed/batch-norm.js';
import { SINGLE_PROCESS, type Communicator } from '../distributed/communicator.js';
import { dropPathInput } from '../drop-path.js';
import type { SegmentationBatch } from '../pipelines/segment.js';
import { describeSamples } from '../trainer.js';
import type { Scalars, StepPosition, Trainer, TrainerOptions } from '../trainer.js';
import { drawChannelMask } from './channel-dropout.js';
import { copyStatistics, updateRunningStatistics } from './running-statistics.js';
import { segmenterLosses, SyncBnStep, type SyncBnResult } from './sync-bn-step.js';

/** A batch of the loader. */
export type LoadedSegmentationBatch = Pick<LoadedBatch<SegmentationBatch>, 'value' | 'release'>;

/** Arguments of {@link createSegmenterTrainer}. */
export interface SegmenterTrainerOptions extends TrainerOptions<UperNet> {
  readonly dropPathRate: number;
  readonly dropoutRate: number;
  readonly batchNormMomentum: number;
  /** Number of micro-batches of a step, whose statistics are combined before the running statistics are updated. */
  readonly accumulation: number;
  /** SyncBN scope; default `ranks`. */
  readonly batchNormOver?: BatchNormScope | undefined;
  /** Changes of the cross-entropy, as the model has them. */
  readonly loss?: PixelLoss | undefined;
  /** Processes that divide a batch. */
  readonly communicator: Communicator;
}

/** Creates the trainer of a segmenter. */
export function createSegmenterTrainer(
  options: SegmenterTrainerOptions,
): Trainer<LoadedSegmentationBatch> {
  const { engine, model, buffers, accumulation, samples } = options;
  const { communicator, batchNormOver = 'ranks' } = options;
  const store = new ParameterStore(model.specs, buffers.parameters);
  const into = buffers.microGradients ?? buffers.gradients;
  const isTogether = batchNormOver === 'step' && accumulation > 1;
  if (isTogether && !buffers.microGradients)
    throw new ConfigError('batchNormOver: expected buffers with microGradients for step, got none');
  const isJoined = isTogether || (batchNormOver !== 'microBatch' && communicator.size > 1);
  const training = isJoined
    ? new SyncBnStep({
        engine,
        model,
        store,
        communicator,
        into: isTogether ? buffers.gradients : into,
        ofMicroBatch: isTogether ? into : undefined,
      })
    : wholeGraph(
        engine.prepare(model.training, store, {
          gradients: { of: 'loss', into, freesResults: true },
        }),
      );
  const describe = ({ value }: LoadedSegmentationBatch): string =>
    describeSamples(samples, value.indices);
  let counts: readonly TargetCounts[] = [];
  const labelsOf = (batch: LoadedSegmentationBatch): HostTensor => {
    const { numClasses } = model.config;
    const labels = batchLabels(batch.value, numClasses, describe(batch));
    counts = [labelCounts(labels.data, numClasses, options.loss)];
    return labels;
  };

  /** Statistics of the micro-batches so far; the running statistics are updated after the last. */
  let seen: HostTensors[] = [];
  const finish = async (losses: readonly Scalars[]): Promise<void> => {
    // A step whose loss is not finite ends the run and must not change the running statistics.
    if (!losses.every(({ loss }) => Number.isFinite(loss))) return;
    const others = isJoined ? SINGLE_PROCESS : communicator;
    await updateRunningStatistics(store, seen, options.batchNormMomentum, others);
  };
  const backward = async (
    batch: LoadedSegmentationBatch,
    position: StepPosition,
  ): Promise<Scalars> => {
    const { images, shape } = batch.value;
    const image = { shape, data: images };
    const labels = labelsOf(batch);
    const random = randomInputs(shape[0], options, position);
    const { losses, statistics } = await training.run([{ image, labels, ...random }]);
    batch.release();
    if (position.micro === 0) seen = [];
    seen.push(statistics);
    if (position.micro === accumulation - 1) await finish(losses);
    return losses[0];
  };
  const backwardTogether = async (
    batches: readonly LoadedSegmentationBatch[],
    position: Omit<StepPosition, 'micro'>,
  ): Promise<readonly Scalars[]> => {
    const sizes = batches.map(({ value }) => value.shape[0]);
    // Drawn as for one batch of all images, so that a step does not depend on its division.
    const numImages = sizes.reduce((a, b) => a + b);
    const random = randomInputs(numImages, options, { ...position, micro: 0 });
    let first = 0;
    const microBatches = batches.map((batch, i): HostTensors => {
      const { images, shape } = batch.value;
      const own = cutRandomInputs(random, { first, count: sizes[i] });
      first += sizes[i];
      return { image: { shape, data: images }, labels: labelsOf(batch), ...own };
    });
    const { losses, statistics } = await training.run(microBatches);
    for (const batch of batches) batch.release();
    seen = [statistics];
    await finish(losses);
    return losses;
  };
  const wholeStep: typeof backward = async (batch, position) => {
    const [losses] = await backwardTogether([batch], position);
    return losses;
  };

  return {
    store,
    ...(isTogether ? { backward: wholeStep, backwardTogether } : { backward }),
    numImages: ({ value }) => value.labels.length,
    describe,
    targets: () => counts,
    release: () => training.release(),
  };
}

/** An uncut program with the interface of {@link SyncBnStep}; batch norm statistics are those of the micro-batch. */
function wholeGraph(program: Executable): {
  run(microBatches: readonly HostTensors[]): Promise<SyncBnResult>;
  release(): Promise<void>;
} {
  return {
    run: async (microBatches) => {
      const outputs = await program.run(microBatches[0]);
      return { losses: [segmenterLosses(outputs)], statistics: copyStatistics(outputs) };
    },
    release: () => program.release(),
  };
}

/** Draws the masks of drop path and dropout; none if the rate is 0. */
function randomInputs(
  n: number,
  { model, dropPathRate, dropoutRate, seed }: SegmenterTrainerOptions,
  position: StepPosition,
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {
    ...dropPathInput(dropPathRate, model.numBlocks, n, { seed, ...position }),
  };
  if (dropoutRate > 0) {
    const mask = (channels: number, head: 0 | 1): HostTensor => ({
      shape: [n, channels],
      data: drawChannelMask(dropoutRate, [n, channels], { seed, ...position, head }),
    });
    inputs['decodeMask'] = mask(model.config.channels, 0);
    inputs['auxiliaryMask'] = mask(model.config.auxiliary.channels, 1);
  }
  return inputs;
}

/** Selects the masks of some images. The first axis is that of images, except for drop path's `[blocks, N]`. */
function cutRandomInputs(
  { dropPath, ...masks }: Readonly<Record<string, HostTensor>>,
  { first, count }: { readonly first: number; readonly count: number },
): Record<string, HostTensor> {
  const own: Record<string, HostTensor> = {};
  for (const [name, { shape, data }] of Object.entries(masks)) {
    const [, channels] = shape;
    const rows = data.subarray(first * channels, (first + count) * channels);
    own[name] = { shape: [count, channels], data: rows };
  }
  if (dropPath) {
    const [blocks, n] = dropPath.shape;
    const data = new Float32Array(blocks * count);
    for (let b = 0; b < blocks; b++)
      data.set(dropPath.data.subarray(b * n + first, b * n + first + count), b * count);
    own['dropPath'] = { shape: [blocks, count], data };
  }
  return own;
}

/**
 * Converts the labels of a batch to one tensor, int32 `[N, H, W]`.
 *
 * @param files for messages
 * @throws ShapeError if a label map differs from the images in size; DataError for an unknown label
 */
function batchLabels(
  { shape, labels }: Pick<SegmentationBatch, 'shape' | 'labels'>,
  numClasses: number,
  files: string,
): HostTensor {
  const [n, height, width] = shape;
  if (labels.length !== n)
    throw new ShapeError(`${files}: expected ${n} label maps, got ${labels.length}`);
  const data = new Int32Array(n * height * width);
  labels.forEach((map, i) => {
    if (map.width !== width || map.height !== height || map.data.length !== width * height)
      throw new ShapeError(
        `${files}: expected labels of the image's ${width} x ${height} pixels, got ${map.width} x ${map.height}`,
      );
    for (const label of map.data)
      if (label >= numClasses && label !== IGNORED_LABEL)
        throw new DataError(
          `${files}: expected labels 0 to ${numClasses - 1} or ${IGNORED_LABEL} (ignored), got ${label}`,
        );
    data.set(map.data, i * width * height);
  });
  return { shape: [n, height, width], data };
}
