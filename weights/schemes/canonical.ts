import { WeightsError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import { reshaped, type LazyTensor, type TensorMap } from '../../io/tensor.js';
import { foldLayerScale, isV1 } from './layer-scale.js';
import { detectScheme, toOfficialName, type Scheme } from './names.js';
import { sparseKernelToDense } from './sparse.js';

/** Weights under official dense names, with their origin. */
interface CanonicalWeights {
  readonly scheme: Scheme;
  /** 1: LayerScale was folded and an identity GRN added. */
  readonly version: 1 | 2;
  readonly tensors: TensorMap;
}

/**
 * Brings weights of any scheme to official dense names and shapes (PyTorch's axis order): sparse kernels become dense,
 * GRN of any rank becomes `[1, 1, 1, 4C]`, 4-D pointwise weights of timm become 2-D, V1 becomes V2. Unknown names are
 * kept, so that strict loading reports them. No values are read.
 *
 * @param file for messages
 * @throws WeightsError if the names follow no known scheme, or two of them are equivalent
 */
export function toCanonical(file: string, tensors: TensorMap): CanonicalWeights {
  const scheme = detectScheme(tensors.keys());
  if (scheme === undefined) {
    const seen = [...tensors.keys()].slice(0, 4).join(', ');
    throw WeightsError.in(
      file,
      `expected ConvNeXt names (official, sparse FCMAE, timm or Hugging Face), got [${seen}, …]`,
    );
  }
  const renamed = new Map<string, LazyTensor>();
  for (const [name, tensor] of tensors) {
    const official = toOfficialName(name, scheme) ?? name;
    if (renamed.has(official)) {
      throw WeightsError.in(file, `expected one tensor for ${official}, got "${name}" as well`, {
        id: name,
      });
    }
    renamed.set(official, canonicalShape(official, name, tensor));
  }
  const v1 = isV1(renamed.keys());
  return { scheme, version: v1 ? 1 : 2, tensors: v1 ? foldLayerScale(renamed) : renamed };
}

function canonicalShape(official: string, original: string, tensor: LazyTensor): LazyTensor {
  const { shape } = tensor;
  if (original.endsWith('.kernel') && official !== original) {
    return sparseKernelToDense(original, tensor);
  }
  if (/\.grn\.(gamma|beta)$/.test(official)) {
    return reshaped(tensor, [1, 1, 1, numElements(shape)]);
  }
  if (/\.pwconv[12]\.weight$/.test(official) && shape.length === 4 && shape[2] * shape[3] === 1) {
    return reshaped(tensor, shape.slice(0, 2));
  }
  if (official.endsWith('bias') && shape.length > 1) return reshaped(tensor, [numElements(shape)]);
  return tensor;
}
