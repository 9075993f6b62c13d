import type { FcmaeConfig } from '../backbone/fcmae.js';
import { WeightsError } from '../core/errors.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { LoadReport } from '../weights/load.js';
import { loadWeights } from '../weights/load.js';
import type { Which } from '../weights/select.js';
import { parameterTargets } from './classifier-weights.js';
import type { ImagePreprocessing } from './model-card.js';

/** Weight files name encoder parameters as a classifier does; readers remove the prefix that sparse files have. */
const withoutPrefix = (path: string): string => path.replace(/^encoder\./, '');

/** How {@link loadFcmae} reads. */
export interface LoadFcmaeOptions {
  readonly which?: Which;
  /** Loads the encoder alone, from any file that has one; the decoder keeps its values. */
  readonly encoderOnly?: boolean;
}

/**
 * Fills an autoencoder from a checkpoint: the official sparse layout, or one of ours.
 *
 * @throws WeightsError if the file is damaged or holds another network; nothing is written then
 */
export function loadFcmae(
  file: string,
  store: ParameterStore,
  { which, encoderOnly = false }: LoadFcmaeOptions = {},
): Promise<LoadReport> {
  return loadWeights(file, parameterTargets(store), {
    sourceName: withoutPrefix,
    ...(which ? { which } : {}),
    ...(encoderOnly ? { exceptions: ['encoderOnly'] } : {}),
  });
}

/** What the weights of an autoencoder are for. Saved in checkpoints. */
export interface FcmaeCard {
  readonly task: 'pretrain';
  readonly fcmae: FcmaeConfig;
  readonly pixels: ImagePreprocessing['pixels'];
  readonly resize: ImagePreprocessing['resize'];
}

/** The card in the state of a checkpoint. @throws WeightsError if it is of another task or damaged */
export function fcmaeCard(file: string, state: Readonly<Record<string, unknown>>): FcmaeCard {
  const card = state['card'] as Partial<FcmaeCard> | undefined;
  if (card?.task !== 'pretrain' || !card.fcmae || !card.pixels || !card.resize) {
    throw new WeightsError(
      `${file}: expected the checkpoint of a masked autoencoder, got task ${String(card?.task)}`,
      { file },
    );
  }
  return card as FcmaeCard;
}
