import { fcmaeInputs } from '../../backbone/fcmae-inputs.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { Fcmae } from '../../models/fcmae.js';
import type { LoadedClassificationBatch } from '../classify/trainer.js';
import { describeSamples, type Trainer, type TrainerOptions } from '../trainer.js';
import { drawMasks } from './masks.js';

/** Creates the trainer of an autoencoder. */
export function createAutoencoderTrainer({
  engine,
  model,
  buffers,
  seed,
  samples,
}: TrainerOptions<Fcmae>): Trainer<LoadedClassificationBatch> {
  const { config, specs } = model;
  const store = new ParameterStore(specs, buffers.parameters);
  const into = buffers.microGradients ?? buffers.gradients;
  const training = engine.prepare(model.training, store, { gradients: { of: 'loss', into } });
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
    describe: ({ value }) => describeSamples(samples, value.indices),
    release: () => training.release(),
  };
}
