import type * as tf from '@tensorflow/tfjs';
import { assertObject } from '../core/arguments.js';
import { fcmae, fcmaeSpecs, type FcmaeConfig, type FcmaeSpecs } from '../backbone/fcmae.js';
import { gatheredEncoder, type MaskedEncoder } from '../backbone/fcmae-encoder.js';
import { maskedBatch } from '../backbone/fcmae-inputs.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import type { Program } from '../engine/runtime/program.js';

/** A masked autoencoder: its parameters and programs, whose inputs are made by `fcmaeInputs`. */
export interface Fcmae {
  readonly config: FcmaeConfig;
  readonly specs: FcmaeSpecs;
  /** Output `loss`. */
  readonly training: Program;
  /** Outputs `loss` and `prediction` `[N, rows, columns, patchSize² · 3]`. */
  readonly inference: Program;
}

/**
 * Composes encoder, decoder and loss.
 *
 * @param encoder encoder of the visible patches; another one for comparison
 * @throws ConfigError if the configuration is invalid
 */
export function createFcmae(config: FcmaeConfig, encoder: MaskedEncoder = gatheredEncoder): Fcmae {
  assertObject('createFcmae', 'a configuration', config, 'backbone', 'decoder');
  type Params = TensorTree<FcmaeSpecs>;
  const forward = (
    params: Params,
    inputs: Readonly<Record<string, tf.Tensor>>,
  ): ReturnType<typeof fcmae> =>
    fcmae(params, maskedBatch(inputs, config.patchSize), config, encoder);
  return {
    config,
    specs: fcmaeSpecs(config),
    training: {
      name: 'masked autoencoder training',
      forward: (params: Params, inputs) => ({ loss: forward(params, inputs).loss }),
    },
    inference: {
      name: 'masked autoencoder',
      forward: (params: Params, inputs) => {
        const { loss, prediction } = forward(params, inputs);
        return { loss, prediction };
      },
    },
  };
}
