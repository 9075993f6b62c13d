import { WeightsError } from '../core/errors.js';
import { formatShape, numElements } from '../core/shape.js';
import { fitsLayout, toLibraryLayout, torchShape, type Layout } from './layout.js';
import { withWeights } from './open.js';
import { toCanonical } from './schemes/canonical.js';
import { detectScheme, isDecoderName } from './schemes/names.js';
import { selectWeights, type Which } from './select.js';
import { toFloat32, type LazyTensor, type TensorMap } from '../io/tensor.js';

/** A parameter to fill. The engine's parameter store has these fields for every entry. */
export interface ParameterTarget {
  /** Official dense name, in a detector behind a prefix (`backbone.norm0.weight`). */
  readonly path: string;
  /** This library's shape. */
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Written only when all of the file is sound. */
  readonly values: Float32Array;
}

/** Parameters as the engine's store has them: `weights` knows no engine. */
export interface ParameterSource {
  readonly entries: readonly {
    readonly path: string;
    readonly spec: { readonly shape: readonly number[]; readonly layout: Layout };
  }[];
  /** The values of a parameter: a view. */
  get(path: string): Float32Array;
}

/** All parameters of a store as targets. */
export function parameterTargets(store: ParameterSource): readonly ParameterTarget[] {
  return store.entries.map(({ path, spec: { shape, layout } }) => ({
    path,
    shape,
    layout,
    values: store.get(path),
  }));
}

/**
 * What may differ between file and model, by name:
 * - `newHead`: the classifier head keeps its initial values, the file's is dropped
 * - `encoderOnly`: only stem, downsampling and blocks are loaded; every other parameter of the model keeps its initial
 *   values, and the file's final norm, output norms, head and FCMAE decoder are dropped
 */
type LoadException = 'newHead' | 'encoderOnly';

/** How to load. */
export interface LoadOptions {
  readonly which?: Which | undefined;
  readonly exceptions?: readonly LoadException[] | undefined;
  /** Name in the file of a parameter here; for a backbone inside a detector, its path without the prefix. */
  readonly sourceName?: (path: string) => string;
}

/** What happened to every name. */
export interface LoadReport {
  /** Paths that were written. */
  readonly loaded: readonly string[];
  /** Paths that keep their initial values, by one of the exceptions. */
  readonly kept: readonly string[];
  /** Names of the file that an exception left out, and batch-norm counters, which nothing reads. */
  readonly dropped: readonly string[];
}

/** Weights up to this size are held between checking and writing; larger ones are read twice. */
const MAX_HELD_ELEMENTS = 2 ** 28;

/**
 * Loads a weight file of any container and naming scheme into parameters. Strict: every name, shape and value
 * must be right but for the named exceptions, or nothing is written.
 *
 * @throws WeightsError listing every missing, unexpected and wrongly shaped name, or every tensor with NaN or Inf
 */
export function loadWeights(
  file: string,
  targets: readonly ParameterTarget[],
  options: LoadOptions = {},
): Promise<LoadReport> {
  return withWeights(file, async (source) => {
    const { tensors } = selectWeights(source, options.which);
    const known = detectScheme(tensors.keys()) !== undefined;
    // Files of heads alone, or of whole detectors, bear the names of the model itself.
    const named = known ? toCanonical(file, tensors).tensors : tensors;
    return loadTensors(file, named, targets, options);
  });
}

/**
 * {@link loadWeights} from open tensors.
 *
 * @param tensors official dense names, PyTorch's axis order
 */
export async function loadTensors(
  file: string,
  tensors: TensorMap,
  targets: readonly ParameterTarget[],
  { exceptions = [], sourceName = (path) => path }: Omit<LoadOptions, 'which'> = {},
): Promise<LoadReport> {
  const isLeftOut = (name: string): boolean =>
    (exceptions.includes('newHead') && isHeadName(name)) ||
    (exceptions.includes('encoderOnly') && !isEncoderName(name));
  const pairs: (readonly [ParameterTarget, LazyTensor])[] = [];
  const kept: string[] = [];
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const target of targets) {
    const name = sourceName(target.path);
    wanted.add(name);
    const tensor = tensors.get(name);
    const size = numElements(target.shape);
    if (target.values.length !== size) {
      problems.push(
        `${target.path}: expected room for ${size} values, got ${target.values.length}`,
      );
    }
    if (isLeftOut(name)) kept.push(target.path);
    else if (!tensor) problems.push(`missing ${name}`);
    else if (!fitsLayout(tensor.shape, target.shape, target.layout)) {
      const shape = formatShape(torchShape(target.shape, target.layout));
      problems.push(`${name}: expected ${shape}, got ${formatShape(tensor.shape)}`);
    } else pairs.push([target, tensor]);
  }
  const dropped: string[] = [];
  for (const name of tensors.keys()) {
    if (wanted.has(name) && !isLeftOut(name)) continue;
    const droppable = isLeftOut(name) && isKnownName(name);
    if (droppable || name.endsWith('.num_batches_tracked')) dropped.push(name);
    else if (!wanted.has(name)) problems.push(`unexpected ${name}`);
  }
  if (problems.length > 0) {
    throw new WeightsError(
      `${file}: expected the model's parameters, got differences: ${problems.join('; ')}`,
      { file },
    );
  }
  await writeChecked(file, pairs);
  return { loaded: pairs.map(([{ path }]) => path), kept, dropped };
}

/** Reads and checks everything before the first value is written. */
async function writeChecked(
  file: string,
  pairs: readonly (readonly [ParameterTarget, LazyTensor])[],
): Promise<void> {
  const total = pairs.reduce((sum, [, tensor]) => sum + numElements(tensor.shape), 0);
  const held = total <= MAX_HELD_ELEMENTS ? new Map<LazyTensor, Float32Array>() : undefined;
  const nonFinite: string[] = [];
  for (const [target, tensor] of pairs) {
    const values = toFloat32(await tensor.read());
    if (firstNonFinite(values) >= 0) nonFinite.push(target.path);
    held?.set(tensor, values);
  }
  if (nonFinite.length > 0) {
    throw new WeightsError(
      `${file}: expected finite weights, got NaN or Inf in ${nonFinite.join(', ')}`,
      { file },
    );
  }
  for (const [{ shape: _, layout, values }, tensor] of pairs) {
    const read = held?.get(tensor) ?? toFloat32(await tensor.read());
    values.set(toLibraryLayout(read, tensor.shape, layout));
  }
}

/** Index of the first NaN or infinity, −1 if there is none. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function isHeadName(name: string): boolean {
  return /^head\.(weight|bias)$/.test(name);
}

function isEncoderName(name: string): boolean {
  return /^(downsample_layers|stages)\./.test(name);
}

/** Names outside the encoder that are known to occur: anything else stays an error. */
function isKnownName(name: string): boolean {
  return isHeadName(name) || /^norm[0-3]?\.(weight|bias)$/.test(name) || isDecoderName(name);
}
