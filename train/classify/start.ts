import type { ParameterStore } from '../../engine/parameters/store.js';
import { canonicalWeights } from '../../weights/canonical.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';

/** Names of scale and shift of GRN. */
const isResponse = (name: string): boolean => name.includes('.grn.');

/**
 * Initializes a classifier with the weights of a classifier, autoencoder or encoder. The head is always new; the norm
 * before it is used if the file has one, which encoders do not.
 *
 * @param adaptsResponseNorm whether GRN may differ: if only the file has it, it is dropped; if only the model has it, it
 *   keeps its initial values
 * @throws WeightsError if the file is damaged or of another network
 */
export function loadStart(
  file: string,
  store: ParameterStore,
  adaptsResponseNorm = false,
): Promise<void> {
  return withWeights(file, async (source) => {
    const { tensors } = canonicalWeights(source);
    const targets = parameterTargets(store);
    const inFile = [...tensors.keys()].some(isResponse);
    const inModel = targets.some(({ path }) => isResponse(path));
    const isAdapted = adaptsResponseNorm && inFile !== inModel;
    await loadTensors(
      file,
      isAdapted ? new Map([...tensors].filter(([name]) => !isResponse(name))) : tensors,
      isAdapted ? targets.filter(({ path }) => !isResponse(path)) : targets,
      { exceptions: tensors.has('norm.weight') ? ['newHead'] : ['newHead', 'encoderOnly'] },
    );
  });
}
