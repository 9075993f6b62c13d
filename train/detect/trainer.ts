import { NotFiniteError, WorkError } from '../../core/errors.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { LoadedBatch } from '../../datasets/loader/loader.js';
import type { Detector } from '../../models/detector.js';
import type { DetectionBatch } from '../pipelines/detect.js';
import type { Trainer, TrainerOptions } from '../trainer.js';
import type { TargetCounts } from '../data-facts.js';
import type { StepContext } from './parts.js';
import { DetectionStep } from './step.js';
import { detectionTargets } from './target-counts.js';

/** A batch of the loader. */
export type LoadedDetectionBatch = Pick<LoadedBatch<DetectionBatch>, 'value' | 'release'>;

/** Arguments of {@link createDetectorTrainer}. */
interface DetectorTrainerOptions
  extends
    Omit<TrainerOptions<Detector>, 'samples'>,
    Pick<StepContext, 'isTrained' | 'batchNormOver' | 'communicator'> {
  readonly dropPathRate: number;
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
  let counts: readonly TargetCounts[] = [];
  const describe = ({ value }: LoadedDetectionBatch): string =>
    value.inputs.map(({ file, imageId }) => `${file} (image ${imageId})`).join(', ');
  return {
    store,
    backward: async (batch, position) => {
      try {
        const result = await step.run(batch.value, position);
        counts = detectionTargets(result, model.config.numClasses);
        return result.losses;
      } catch (cause) {
        // Values that are not finite are detected before the loss, during the selection of proposals.
        if (!(cause instanceof WorkError)) throw cause;
        throw new NotFiniteError(
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
    targets: () => counts,
    release: () => step.release(),
  };
}
