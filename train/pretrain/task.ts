import { fcmaeInputs } from '../../backbone/fcmae-inputs.js';
import type { RgbImage } from '../../core/image.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { Fcmae } from '../../models/fcmae.js';
import type { ClassificationLoader, LoadedClassificationBatch } from '../classify/task.js';
import type { TrainingTask } from '../task.js';
import { evaluateFcmae } from './evaluate.js';
import { drawMasks } from './masks.js';

/** What {@link createFcmaeTask} works with. */
export interface FcmaeTaskOptions {
  readonly engine: Engine;
  readonly model: Fcmae;
  readonly buffers: FlatBuffers;
  readonly pixels: PixelStats;
  readonly seed: number;
  /** File of every training image, for messages. */
  readonly files: {
    readonly length: number;
    at(index: number): { readonly file: string } | undefined;
  };
  /** Absent: no evaluation. */
  readonly validation?: ClassificationLoader;
  readonly numPictures: number;
  readonly onPicture?: (index: number, picture: RgbImage) => void;
}

/** Pre-training of an autoencoder on images alone. Owns sessions: `release` frees them. */
export function createFcmaeTask(
  options: FcmaeTaskOptions,
): TrainingTask<LoadedClassificationBatch> & { release(): Promise<void> } {
  const { engine, model, buffers, seed, files, validation, pixels, numPictures, onPicture } =
    options;
  const { config, specs } = model;
  const store = new ParameterStore(specs, buffers.parameters);
  const into = buffers.microGradients ?? buffers.gradients;
  const training = engine.prepare(model.training, store, { gradients: { of: 'loss', into } });
  const scorer = engine.prepare(model.inference, store, {});
  return {
    store,
    backward: async (batch, position) => {
      const { images, shape } = batch.value;
      const mask = drawMasks(shape, config, { seed, ...position });
      const inputs = fcmaeInputs({ shape, data: images }, mask, config.patchSize);
      const { loss } = await training.run(inputs);
      const value = loss.data[0];
      batch.release();
      return { loss: value };
    },
    numImages: ({ value }) => value.indices.length,
    describe: ({ value }) =>
      Array.from(value.indices, (index) => files.at(index)?.file ?? String(index)).join(', '),
    ...(validation
      ? {
          evaluate: () =>
            evaluateFcmae({
              config,
              pixels,
              program: scorer,
              loader: validation,
              numPictures,
              ...(onPicture ? { onPicture } : {}),
            }),
        }
      : {}),
    release: async () => {
      await training.release();
      await scorer.release();
    },
  };
}
