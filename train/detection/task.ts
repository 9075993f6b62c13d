import { ParameterStore } from '../../engine/parameters/store.js';
import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { LoadedBatch } from '../../datasets/loader.js';
import type { Detector } from '../../models/detector.js';
import type { DetectorSpecs } from '../../models/detection/specs.js';
import type { DetectionBatch } from '../pipelines/detection.js';
import type { Scalars, TrainingTask } from '../task.js';
import { DetectionStep } from './step.js';

/** A batch as the loader hands it over. */
export type LoadedDetectionBatch = Pick<LoadedBatch<DetectionBatch>, 'value' | 'release'>;

/** What {@link createDetectionTask} works with. */
export interface DetectionTaskOptions<Tree extends SpecTree> {
  readonly engine: Engine;
  readonly model: Detector<Tree>;
  readonly buffers: FlatBuffers;
  readonly dropPathRate: number;
  readonly seed: number;
  /** Which parameters are trained; all trainable ones if not given. The others need no runs of the optimiser. */
  readonly isTrained?: (path: string) => boolean;
  /** Scores parameters on validation data; absent: no evaluation. */
  readonly evaluate?: (store: ParameterStore<DetectorSpecs<Tree>>) => Promise<Scalars>;
}

/** Training of a detector. Owns sessions: `release` frees them. */
export function createDetectionTask<Tree extends SpecTree>(
  options: DetectionTaskOptions<Tree>,
): TrainingTask<LoadedDetectionBatch> & { release(): Promise<void> } {
  const { engine, model, buffers, seed, dropPathRate, isTrained, evaluate } = options;
  const storeOf = (values: Float32Array): ParameterStore<DetectorSpecs<Tree>> =>
    new ParameterStore(model.specs, values);
  const store = storeOf(buffers.parameters);
  const gradients = buffers.microGradients ?? buffers.gradients;
  const step = new DetectionStep(
    { engine, model, store, gradients, ...(isTrained ? { isTrained } : {}) },
    { seed, dropPathRate, sampling: 'random' },
  );
  return {
    store,
    backward: async (batch, position) => {
      const { losses } = await step.run(batch.value, position);
      batch.release();
      return losses;
    },
    numImages: ({ value }) => value.views.length,
    describe: ({ value }) =>
      value.views.map(({ file, imageId }) => `${file} (image ${imageId})`).join(', '),
    ...(evaluate
      ? {
          evaluate: (which) =>
            evaluate(which === 'ema' && buffers.ema ? storeOf(buffers.ema) : store),
        }
      : {}),
    release: () => step.release(),
  };
}
