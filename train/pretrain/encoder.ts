import { convNeXtV2Specs } from '../../backbone/convnextv2.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { inferArchitecture } from '../../weights/architecture.js';
import { canonicalOrOwnNames } from '../../weights/canonical.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import type { TensorMap } from '../../io/tensor.js';

/** A backbone with its weights. */
interface OpenedEncoder {
  readonly config: ConvNeXtV2Config;
  readonly store: ParameterStore;
}

/**
 * Loads the encoder of any weight file with the architecture derived from the tensors: classifier, autoencoder, detector,
 * segmenter or encoder, in any scheme, including V1-style blocks without GRN. For an official V1 file, LayerScale is
 * folded and an identity GRN added.
 *
 * @throws WeightsError if the file is damaged or contains no such network
 */
export function openEncoder(file: string, which?: Which): Promise<OpenedEncoder> {
  return withWeights(file, async (source) => {
    const encoder = encoderOf(canonicalOrOwnNames(source, which));
    const { depths, dims, withoutResponseNorm } = inferArchitecture(file, encoder);
    const responseNorm = withoutResponseNorm ? 'none' : 'grn';
    const config = { depths, dims, responseNorm } as unknown as ConvNeXtV2Config;
    const store = new ParameterStore(convNeXtV2Specs(config));
    await loadTensors(file, encoder, parameterTargets(store));
    return { config, store };
  });
}

/** Stem, downsampling layers and blocks, without a model's prefix. */
function encoderOf(tensors: TensorMap): TensorMap {
  const encoder = new Map<string, ReturnType<TensorMap['get']> & object>();
  for (const [name, tensor] of tensors) {
    const [, bare] = /^(?:backbone\.)?((?:downsample_layers|stages)\..+)$/.exec(name) ?? [];
    if (bare !== undefined) encoder.set(bare, tensor);
  }
  return encoder;
}
