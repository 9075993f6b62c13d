import { WeightsMismatchError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import { reshaped, type LazyTensor, type TensorMap } from '../../io/tensor.js';
import { describeClosest } from './closest.js';
import { fromHuggingFaceUperNet } from './hugging-face.js';
import { foldLayerScale, isV1 } from './layer-scale.js';
import {
  findNetworks,
  SCHEMES,
  toOfficialName,
  type FoundNetwork,
  type SourceScheme,
} from './names.js';
import { sparseKernelToDense } from './sparse.js';

/** Weights under official dense names, with their origin. */
interface CanonicalWeights {
  readonly scheme: SourceScheme;
  /** 1: LayerScale was folded and an identity GRN added. */
  readonly version: 1 | 2;
  /** Detectors and segmenters: names of mmdetection and mmsegmentation, the encoder behind `backbone.`. */
  readonly tensors: TensorMap;
}

/** Names beside a backbone that make it part of a detector or segmenter. */
const DENSE_NAME = /^(neck|rpn_head|roi_head|decode_head|auxiliary_head)\./;

/** Buffers in which the hook of mmcv 1 keeps moving averages beside the weights: `ema_backbone_norm3_weight`. */
const AVERAGED = /^ema_\w+$/;

/** Whether names without a common prefix are those of a detector or segmenter. */
export function isDenseModel(names: Iterable<string>): boolean {
  return [...names].some((name) => DENSE_NAME.test(name));
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
  const network = findNetworks(tensors.keys()).at(0);
  if (network === undefined) {
    const names = [...tensors.keys()];
    const known = Object.values(SCHEMES).map(({ title }) => title);
    throw WeightsMismatchError.in(
      file,
      `expected ConvNeXt names (${known.slice(0, -1).join(', ')} or ${known.at(-1)}), ` +
        `got [${names.slice(0, 4).join(', ')}${names.length > 0 ? ', …' : ''}]; ${describeClosest(names)}`,
    );
  }
  const rename = renamer(network, tensors);
  const renamed = new Map<string, LazyTensor>();
  for (const [name, tensor] of tensors) {
    const official = rename(name);
    if (official === undefined) continue;
    if (renamed.has(official)) {
      throw WeightsMismatchError.in(
        file,
        `expected one tensor for ${official}, got "${name}" as well`,
        {
          id: name,
        },
      );
    }
    assertFloating(file, official, name, tensor);
    renamed.set(official, canonicalShape(official, name, tensor));
  }
  const v1 = isV1(renamed.keys());
  const { scheme } = network;
  return { scheme, version: v1 ? 1 : 2, tensors: v1 ? foldLayerScale(renamed) : renamed };
}

/** Names of the decoder of FCMAE. */
const DECODER = /^(mask_token$|(proj|decoder|pred)\.)/;

/** Tensors of an encoder or classifier without those that other models have beside it. */
export function withoutOthers(tensors: TensorMap): TensorMap {
  const network = findNetworks(tensors.keys()).at(0);
  if (network === undefined) return tensors;
  const { scheme, prefix } = network;
  const outer = outerOf(prefix);
  const isAutoencoder = tensors.has(`${outer}mask_token`);
  const isBeside = (name: string): boolean =>
    name.startsWith(outer) &&
    (/^head\./.test(fromSibling(within(name, outer), scheme)) ||
      (isAutoencoder && DECODER.test(within(name, outer))));
  return new Map([...tensors].filter(([name]) => name.startsWith(prefix) || isBeside(name)));
}

/** Prefix of what stands beside an encoder: that of the encoder without its last component, if that is its own. */
const outerOf = (prefix: string): string =>
  /(^|\.)(backbone|encoder|convnext(v2)?)\.$/.test(prefix)
    ? prefix.replace(/[^.]+\.$/, '')
    : prefix;

/** Creates the function from names of a file to canonical ones; undefined for tensors that the file holds twice. */
function renamer(
  { scheme, prefix }: FoundNetwork,
  tensors: TensorMap,
): (name: string) => string | undefined {
  const outer = outerOf(prefix);
  const beside = [...tensors.keys()].map((name) => within(name, outer));
  const isDense = prefix.endsWith('backbone.') && isDenseModel(beside);
  const has = (name: string): boolean => tensors.has(prefix + name);
  // mmpretrain calls a classifier's final norm `norm3`, as it does the last output norm of a backbone.
  const norm3IsFinal = scheme === 'openmmlab' && !isDense && !has('norm0.weight');
  const hasFinalNorm = has('norm.weight');
  const wrapped = [...tensors.keys()].filter(
    (name) => wrappedHead(within(within(name, prefix), outer), scheme) === 'head.weight',
  );
  // Several layers with weights are another head than the linear one.
  const headOf = (name: string): string | undefined =>
    wrapped.length === 1 ? wrappedHead(name, scheme) : undefined;
  return (name) => {
    if (!name.startsWith(prefix)) {
      const rest = within(name, outer);
      if (AVERAGED.test(rest)) return undefined;
      return isDense ? fromHuggingFaceUperNet(rest) : (headOf(rest) ?? fromSibling(rest, scheme));
    }
    const rest = name.slice(prefix.length);
    if (hasFinalNorm && /^norms\.\d\./.test(rest)) return undefined;
    const official =
      toOfficialName(rest, scheme) ?? headOf(rest) ?? (prefix === '' ? rest : undefined);
    if (official === undefined) return isDense ? within(name, outer) : name;
    if (isDense) return `backbone.${official}`;
    return norm3IsFinal ? official.replace(/^norm3\./, 'norm.') : official;
  };
}

/** Removes a prefix if it is there. */
function within(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** Official name of a tensor beside an encoder: the head of a classifier, the decoder of an autoencoder. */
function fromSibling(name: string, scheme: SourceScheme): string {
  const head = /^(?:head|classifier|fc|head\.fc)\.(weight|bias)$/.exec(name);
  return head ? `head.${head[1]}` : (toOfficialName(name, scheme) ?? name);
}

/**
 * Official name of a head that was replaced by layers one after another, of which only one has weights: dropout, linear.
 * Torchvision's has its norm as first layer.
 */
function wrappedHead(name: string, scheme: SourceScheme): string | undefined {
  const [, outer, position, field] = /^(.+)\.(\d+)\.(weight|bias)$/.exec(name) ?? [];
  if (field === undefined) return undefined;
  const head = `head.${field}`;
  if (scheme === 'torchvision')
    return outer === 'classifier.2' || (outer === 'classifier' && position !== '0')
      ? head
      : undefined;
  return fromSibling(`${outer}.${field}`, scheme) === head ? head : undefined;
}

/** Whole numbers as weights are those of a quantized model, without the scales that belong to them. */
function assertFloating(
  file: string,
  official: string,
  name: string,
  { dtype, unreadable, shape }: LazyTensor,
): void {
  if (shape.length === 0 || !/(weight|bias|gamma|beta|kernel)$/.test(official)) return;
  if (!/^([IU]\d+|BOOL)$/.test(dtype)) return;
  throw WeightsMismatchError.in(
    file,
    `expected weights of floating point, got ${unreadable ?? dtype} in ${name}; save the model before it is quantized`,
    { id: name },
  );
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
