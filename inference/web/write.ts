import { ConfigError, WeightsError } from '../../core/errors.js';
import { float32ToFloat16 } from '../../core/half.js';
import { sameShape } from '../../core/shape.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import type { WrittenFile } from '../../io/files/atomic.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import type { LoadedModel } from '../model.js';
import { withPalette } from '../segment/palette.js';
import { networkOf, WEB_FORMAT, type WebMetadata } from './format.js';

/** Element type of the weights in a model file of the browser. */
export type WebPrecision = 'fp32' | 'fp16';

/**
 * Writes a model as the one file that `loadModel` of `convnextv2/browser` reads.
 *
 * @throws ConfigError for a model whose backbone is not ConvNeXt V2; WeightsError for weights that half precision cannot hold
 */
export async function writeWebModel(
  file: string,
  { card, model, store }: LoadedModel,
  precision: WebPrecision,
): Promise<WrittenFile> {
  const rebuilt = listSpecs(networkOf(card, model.config).specs);
  const isSame =
    rebuilt.length === store.entries.length &&
    rebuilt.every(([path, { shape }], i) => {
      const { path: own, spec } = store.entries[i];
      return own === path && sameShape(spec.shape, shape);
    });
  if (!isSame)
    throw new ConfigError(
      'export --web: expected a network of this library, got one with a backbone of its own, which a file cannot hold',
    );
  const metadata: WebMetadata = {
    format: WEB_FORMAT,
    card: JSON.stringify(withPalette(card)),
    network: JSON.stringify(model.config),
  };
  const tensors = store.entries.map(({ path, spec: { shape } }) => ({
    ...({ name: path, shape, dtype: precision === 'fp16' ? 'F16' : 'F32' } as const),
    data: () => (precision === 'fp16' ? halves(file, path, store.get(path)) : store.get(path)),
  }));
  return writeSafetensors(file, tensors, { ...metadata });
}

function halves(file: string, path: string, values: Float32Array): Uint16Array {
  const found = float32ToFloat16(values);
  if (found.some((half) => (half & 0x7c00) === 0x7c00))
    throw WeightsError.in(
      file,
      `expected values up to 65504 for half precision in ${path}; use --precision fp32`,
      { id: path },
    );
  return found;
}
