import type { ParameterStore } from '../../engine/parameters/store.js';
import { parameterTargets } from '../../models/classifier-weights.js';
import { loadWeights } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import { toCanonical } from '../../weights/schemes/canonical.js';
import { selectWeights } from '../../weights/select.js';

/**
 * Fills a classifier from the weights that its training starts from: classifier, autoencoder or encoder alone. The head is
 * always new; the norm before it is taken over where the file has one, which encoders have not.
 *
 * @throws WeightsError if the file is damaged or of another network
 */
export async function loadStart(file: string, store: ParameterStore): Promise<void> {
  const hasNorm = await withWeights(file, (source) =>
    Promise.resolve(toCanonical(file, selectWeights(source).tensors).tensors.has('norm.weight')),
  );
  await loadWeights(file, parameterTargets(store), {
    exceptions: hasNorm ? ['newHead'] : ['newHead', 'encoderOnly'],
  });
}
