import { join } from 'node:path';
import { numVisiblePatches, patchGrid } from '../../backbone/masking.js';
import { ConfigError, DataError } from '../../core/errors.js';
import { evenly } from '../../datasets/evenly.js';
import { encodeRgbPng } from '../../io/png/write.js';
import { createFcmae } from '../../models/fcmae.js';
import type { AutoencoderCard } from '../../inference/card.js';
import { holdsDecoder, loadFcmae } from '../../inference/pretrain/load.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { evaluationLoader, trainingLoader } from '../classify/loader.js';
import type { LoadedClassificationBatch } from '../classify/trainer.js';
import { shardOf } from '../distributed/shard.js';
import type { Run } from '../loop.js';
import type { Setup, TrainingData } from '../tasks/task.js';
import { peakLearningRate, type PretrainingConfig } from '../config/pretrain.js';
import { evaluateFcmae } from './evaluate.js';
import type { ImageSet } from './images.js';
import { createAutoencoderTrainer } from './trainer.js';

/** Name of the folder of reconstruction pictures inside a run folder. */
export const RECONSTRUCTIONS = 'reconstructions';

/**
 * Sets up the pre-training of an autoencoder, initialized with a whole autoencoder, or with an encoder and a new decoder.
 * Classifiers, detectors and segmenters can start from its checkpoints, and `weights convert` writes them in the official
 * dense (encoder) and sparse (whole) layouts.
 */
export function setUpAutoencoder(
  config: PretrainingConfig,
  { training, validation }: TrainingData<ImageSet>,
  { engine, seed, folder, communicator, backbone }: Run,
): Setup<LoadedClassificationBatch> {
  const { fcmae, pixels, numPictures, epochs, minLr, warmupEpochs, weightDecay } = config;
  const { samples } = training;
  if (backbone)
    throw new ConfigError(
      'train: expected no backbone for pre-training, which has a sparse one, got one',
    );
  assertMasking(config);
  if (samples.length === 0) throw new DataError('train: expected images, got none');
  const model = createFcmae(fcmae);
  const card: AutoencoderCard = { task: 'pretrain', fcmae, pixels, resize: config.evaluation };
  return {
    specs: model.specs,
    card,
    numImages: samples.length,
    numHeldOut: validation?.samples.length ?? 0,
    // As in the original: one-dimensional parameters and biases are exempt from weight decay, mask token and GRN are not.
    groups: { layers: { kind: 'uniform' }, weightDecay, decayGrn: true },
    loadWeights: async (file, store, which) => {
      const hasDecoder = await holdsDecoder(file, which);
      await loadFcmae(file, store, { which, encoderOnly: !hasDecoder });
      return `${file}: ${hasDecoder ? 'all layers' : 'encoder'} taken over${hasDecoder ? '' : '; the decoder is new'}`;
    },
    loader: trainingLoader(config, samples, { seed, shard: shardOf(communicator) }),
    length: () => {
      const lr = peakLearningRate(config, communicator.size);
      return { ...config, schedule: { kind: 'cosine', lr, minLr, epochs, warmupEpochs } };
    },
    createTrainer: (buffers) => createAutoencoderTrainer({ engine, model, buffers, seed, samples }),
    evaluate:
      validation &&
      (async (store, _, limit) => {
        const loader = evaluationLoader(config, evenly(validation.samples, limit));
        const program = engine.prepare(model.inference, store, {});
        try {
          return await evaluateFcmae({
            config: fcmae,
            pixels,
            program,
            loader,
            numPictures: limit === undefined ? numPictures : 0,
            // The newest picture of an image replaces the previous one.
            onPicture: (index, picture) =>
              writeAtomicallySync(
                join(folder, RECONSTRUCTIONS, `image-${index}.png`),
                encodeRgbPng(picture),
              ),
          });
        } finally {
          await loader.close();
          await program.release();
        }
      }),
  };
}

/** Checks sizes and ratio before any data is read. */
function assertMasking({ fcmae, training, evaluation }: PretrainingConfig): void {
  const sides = [
    evaluation.inputSize,
    ...(training.kind === 'training' ? [training.inputSize] : []),
  ];
  for (const side of sides)
    numVisiblePatches(patchGrid({ height: side, width: side }, fcmae.patchSize), fcmae.maskRatio);
}
