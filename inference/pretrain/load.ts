import type { ParameterStore } from '../../engine/parameters/store.js';
import { loadWeights, parameterTargets, type LoadReport } from '../../weights/load.js';
import { canonicalOrOwnNames } from '../../weights/canonical.js';
import { withWeights } from '../../weights/open.js';
import { isDecoderName } from '../../weights/schemes/names.js';
import type { Which } from '../../weights/select.js';

/**
 * Prefix of encoder parameters in the model; weight files name them like a classifier's, and readers remove the prefix of
 * sparse files.
 */
const withoutPrefix = (path: string): string => path.replace(/^encoder\./, '');

/** Options of {@link loadFcmae}. */
interface LoadFcmaeOptions {
  readonly which?: Which | undefined;
  /** Whether to load only the encoder, from any file that has one; the decoder keeps its values. */
  readonly encoderOnly?: boolean | undefined;
}

/**
 * Loads an autoencoder from an official sparse checkpoint, or one of ours.
 *
 * @throws WeightsError if the file is damaged or contains another network; then nothing is written
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
/** Whether a file has the decoder of an autoencoder. @throws WeightsError if it is damaged */
export function holdsDecoder(file: string, which?: Which): Promise<boolean> {
  return withWeights(file, (source) =>
    [...canonicalOrOwnNames(source, which).keys()].some(isDecoderName),
  );
}
