import type * as tf from '@tensorflow/tfjs';
import type { FcmaeConfig, FcmaeSpecs } from '../backbone/fcmae.js';
import { fcmae, fcmaeSpecs } from '../backbone/fcmae.js';
import type { MaskedEncoder } from '../backbone/fcmae-encoder.js';
import { denseMaskedEncoder, gatheredEncoder } from '../backbone/fcmae-encoder.js';
import { maskedBatch } from '../backbone/fcmae-inputs.js';
import type { Program } from '../engine/runtime/program.js';

/** A masked autoencoder: its parameters and what it computes. Inputs of its programs: `fcmaeInputs`. */
export interface Fcmae {
  readonly config: FcmaeConfig;
  readonly specs: FcmaeSpecs;
  /** Outputs `loss` and `prediction` `[N, rows, columns, patchSize² · 3]`; computes visible sites only. */
  readonly training: Program<FcmaeSpecs>;
  /** The same on whole maps: slower, for comparison. */
  readonly denseTraining: Program<FcmaeSpecs>;
}

/** Composes encoder, decoder and loss. @throws ConfigError if the configuration cannot be built */
export function createFcmae(config: FcmaeConfig): Fcmae {
  const program = (name: string, encoder: MaskedEncoder): Program<FcmaeSpecs> => ({
    name,
    forward: (params, inputs): Readonly<Record<string, tf.Tensor>> => {
      const batch = maskedBatch(inputs, config.patchSize);
      const { loss, prediction } = fcmae(params, batch, config, encoder);
      return { loss, prediction };
    },
  });
  return {
    config,
    specs: fcmaeSpecs(config),
    training: program('fcmae', gatheredEncoder),
    denseTraining: program('fcmae on whole maps', denseMaskedEncoder),
  };
}
