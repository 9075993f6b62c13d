import type { ParameterStore } from '../../engine/parameters/store.js';
import type { LoadReport } from '../../weights/load.js';
import { loadWeights, parameterTargets } from '../../weights/load.js';
import type { Which } from '../../weights/select.js';

/** Weight files name encoder parameters as a classifier does; readers remove the prefix that sparse files have. */
const withoutPrefix = (path: string): string => path.replace(/^encoder\./, '');

/** How {@link loadFcmae} reads. */
export interface LoadFcmaeOptions {
  readonly which?: Which | undefined;
  /** Loads the encoder alone, from any file that has one; the decoder keeps its values. */
  readonly encoderOnly?: boolean | undefined;
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
    which,
    exceptions: encoderOnly ? ['encoderOnly'] : [],
  });
}
