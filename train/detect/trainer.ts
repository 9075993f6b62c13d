import { WorkError } from '../../core/errors.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { LoadedBatch } from '../../datasets/loader/loader.js';
import type { Detector } from '../../models/detector.js';
import type { BatchNormScope } from '../distributed/batch-norm.js';
import type { Communicator } from '../distributed/communicator.js';
import type { DetectionBatch } from '../pipelines/detect.js';
import type { Trainer } from '../trainer.js';
import { DetectionStep } from './step.js';

/** A batch of the loader. */
export type LoadedDetectionBatch = Pick<LoadedBatch<DetectionBatch>, 'value' | 'release'>;

/** Arguments of {@link createDetectorTrainer}. */
interface DetectorTrainerOptions {
  readonly engine: Engine;
  readonly model: Detector;
  readonly buffers: FlatBuffers;
  readonly dropPathRate: number;
  readonly seed: number;
  /** Selects the parameters to train; default: all trainable ones. Others need no parameter runs of the optimizer. */
  readonly isTrained?: ((path: string) => boolean) | undefined;
  /** SyncBN scope of the box heads; default: the RoIs of a micro-batch. */
  readonly batchNormOver?: Exclude<BatchNormScope, 'step'> | undefined;
  /** Processes that divide a batch. */
  readonly communicator: Communicator;
}

/** Creates the trainer of a detector. */
export function createDetectorTrainer(
  options: DetectorTrainerOptions,
): Trainer<LoadedDetectionBatch> {
  const { engine, model, buffers, seed, dropPathRate } = options;
  const { isTrained, communicator, batchNormOver } = options;
  const store = new ParameterStore(model.specs, buffers.parameters);
  const gradients = buffers.microGradients ?? buffers.gradients;
  const step = new DetectionStep(
    { engine, model, store, gradients, isTrained, communicator, batchNormOver },
    { seed, dropPathRate, sampling: 'random' },
  );
  const describe = ({ value }: LoadedDetectionBatch): string =>
    value.inputs.map(({ file, imageId }) => `${file} (image ${imageId})`).join(', ');
  return {
    store,
    backward: async (batch, position) => {
      try {
        const { losses } = await step.run(batch.value, position);
        return losses;
      } catch (cause) {
        // Values that are not finite are detected before the loss, during the selection of proposals.
        if (!(cause instanceof WorkError)) throw cause;
        throw new WorkError(
          `train: step ${position.step}: ${cause.message} on ${describe(batch)}; ` +
            'the last checkpoint is unchanged: lower the learning rate or set clipNorm',
          { cause },
        );
      } finally {
        batch.release();
      }
    },
    numImages: ({ value }) => value.inputs.length,
    describe,
    release: () => step.release(),
  };
}
