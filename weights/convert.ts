import { WeightsMismatchError } from '../core/errors.js';
import { numElements } from '../core/shape.js';
import { inferArchitecture, type AnySizeName } from './architecture.js';
import { canonicalWeights } from './canonical.js';
import { float32ToFloat16 } from '../core/half.js';
import { firstNonFinite } from './load.js';
import { withWeights } from './open.js';
import { writeSafetensors, type TensorToWrite } from '../io/safetensors/write.js';
import { isDenseModel } from './schemes/canonical.js';
import { toHuggingFaceUperNet } from './schemes/hugging-face.js';
import { fromOfficialName, isDecoderName, type Scheme } from './schemes/names.js';
import { asRow, denseKernelToSparse } from './schemes/sparse.js';
import type { Which } from './select.js';
import { reshaped, toFloat32, type LazyTensor, type TensorMap } from '../io/tensor.js';
import { assertApart } from '../io/files/apart.js';
import type { WrittenFile } from '../io/files/atomic.js';

/** Options of the conversion. */
export interface ConvertOptions {
  readonly scheme: Scheme;
  /** Default `F32`. */
  readonly dtype?: 'F32' | 'F16' | undefined;
  readonly which?: Which | undefined;
  /**
   * Whether pointwise weights are 4-D as in timm; default: for the sizes for which timm has them (atto, femto, pico,
   * nano).
   */
  readonly timmConvMlp?: boolean | undefined;
}

/** Result of the conversion. */
interface Converted extends WrittenFile {
  readonly scheme: Scheme;
  /** Names of the written tensors. */
  readonly names: readonly string[];
  /** Official names that the target scheme lacks: the FCMAE decoder in dense schemes, norm and head in sparse ones. */
  readonly dropped: readonly string[];
}

const CONV_MLP_SIZES: readonly (AnySizeName | undefined)[] = ['atto', 'femto', 'pico', 'nano'];

/**
 * Converts weights of any container and scheme to safetensors in another scheme.
 *
 * @throws WeightsError if the input is not a valid ConvNeXt, has unknown names, or a value that is not finite in `dtype`
 */
export function convertWeights(
  input: string,
  output: string,
  options: ConvertOptions,
): Promise<Converted> {
  const { scheme, dtype = 'F32', which } = options;
  return withWeights(input, async (source) => {
    assertApart('weights convert', [output], [input]);
    const { tensors } = canonicalWeights(source, which);
    const { named, dropped } = toScheme(input, tensors, scheme, options.timmConvMlp);
    const toWrite = [...named].map(([name, tensor]): TensorToWrite => {
      const data = async () => encode(input, name, toFloat32(await tensor.read()), dtype);
      return { name, dtype, shape: tensor.shape, data };
    });
    // transformers requires `format`.
    const written = await writeSafetensors(output, toWrite, { format: 'pt' });
    return { ...written, scheme, names: [...named.keys()], dropped };
  });
}

/**
 * Converts official dense tensors to the names and shapes of another scheme.
 *
 * @throws WeightsError if the scheme lacks a name that is not known to be dispensable
 */
export function toScheme(
  file: string,
  tensors: TensorMap,
  scheme: Scheme,
  timmConvMlp?: boolean,
): { readonly named: TensorMap; readonly dropped: readonly string[] } {
  const isDense = isDenseModel(tensors.keys());
  const convMlp =
    timmConvMlp ??
    (scheme === 'timm' &&
      !isDense &&
      CONV_MLP_SIZES.includes(inferArchitecture(file, tensors).size));
  const named = new Map<string, LazyTensor>();
  const dropped: string[] = [];
  const nameOf = namesOf(tensors, scheme);
  for (const [official, tensor] of tensors) {
    const name = nameOf(official);
    if (name === 'dropped') dropped.push(official);
    else if (name) named.set(name.text, schemeShape(official, tensor, scheme, convMlp));
    else {
      const possible = TARGETS.filter((target) =>
        [...tensors.keys()].every(namesOf(tensors, target)),
      );
      throw WeightsMismatchError.in(
        file,
        `expected names that ${scheme} has, got ${official}; this ${isDense ? 'detector or segmenter' : 'network'} converts to ${possible.join(', ')}`,
        { id: official },
      );
    }
  }
  return { named, dropped };
}

/** Schemes to convert to. */
const TARGETS: readonly Scheme[] = ['official', 'timm', 'hf', 'sparse'];

/** Creates the function from official names to those of a scheme: undefined for those that it has not. */
function namesOf(
  tensors: TensorMap,
  scheme: Scheme,
): (official: string) => { readonly text: string } | 'dropped' | undefined {
  const isDense = isDenseModel(tensors.keys());
  const isOurs = scheme === 'official' || scheme === 'timm';
  const stem = [...tensors.keys()].find((name) => OVERLAPPING_STEM.test(name));
  return (official) => {
    // Only timm has these: norms without shift, and a stem of two convolutions.
    if (!isOurs && (official === stem || lacksShift(official, tensors))) return undefined;
    if (scheme !== 'sparse' && isDecoderName(official)) return 'dropped';
    const text = isDense
      ? denseName(official, scheme)
      : fromOfficialName(official, scheme, tensors.has('head.weight'));
    if (text !== undefined) return { text };
    return scheme === 'sparse' && /^(norm|head|pre_logits)\.(weight|bias)$/.test(official)
      ? 'dropped'
      : undefined;
  };
}

const OVERLAPPING_STEM = /^(backbone\.)?downsample_layers\.0\.[23]\.weight$/;

/** Whether a name is the scale of a norm that has no shift. */
function lacksShift(official: string, tensors: TensorMap): boolean {
  const isBlockNorm = /(^|\.)stages\.\d+\.\d+\.norm\.weight$/.test(official);
  return isBlockNorm && !tensors.has(official.replace(/weight$/, 'bias'));
}

/** Name of a detector's or segmenter's tensor: only transformers has another one, for UPerNet. */
function denseName(name: string, scheme: Scheme): string | undefined {
  if (scheme === 'official') return name;
  if (scheme !== 'hf' || /^(neck|rpn_head|roi_head)\./.test(name)) return undefined;
  if (!name.startsWith('backbone.')) return toHuggingFaceUperNet(name);
  const renamed = fromOfficialName(name.slice('backbone.'.length), scheme, false);
  return renamed === undefined ? undefined : `backbone.${renamed}`;
}

function schemeShape(
  official: string,
  tensor: LazyTensor,
  scheme: Scheme,
  convMlp: boolean,
): LazyTensor {
  const isGrn = /\.grn\.(gamma|beta)$/.test(official);
  switch (scheme) {
    case 'official':
    case 'hf':
      return tensor;
    case 'timm':
      if (isGrn) return reshaped(tensor, [numElements(tensor.shape)]);
      if (convMlp && /\.pwconv[12]\.weight$/.test(official)) {
        return reshaped(tensor, [...tensor.shape, 1, 1]);
      }
      return tensor;
    case 'sparse':
      if (isDecoderName(official)) return tensor; // the decoder is dense also in sparse files
      if (isGrn) return asRow(tensor);
      if (/(^downsample_layers\.[123]\.1|\.dwconv)\.bias$/.test(official)) return asRow(tensor);
      if (/(^downsample_layers\.[123]\.1|\.dwconv)\.weight$/.test(official)) {
        return denseKernelToSparse(official, tensor);
      }
      return tensor;
    default:
      return scheme satisfies never;
  }
}

function encode(
  file: string,
  name: string,
  values: Float32Array,
  dtype: 'F32' | 'F16',
): Float32Array | Uint16Array {
  if (firstNonFinite(values) >= 0) {
    throw WeightsMismatchError.in(file, `expected finite values, got NaN or Inf in ${name}`, {
      id: name,
    });
  }
  if (dtype === 'F32') return values;
  const halves = float32ToFloat16(values);
  if (halves.some((half) => (half & 0x7c00) === 0x7c00)) {
    throw WeightsMismatchError.in(
      file,
      `expected values up to 65504 for half precision in ${name}`,
      {
        id: name,
      },
    );
  }
  return halves;
}
