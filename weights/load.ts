import { assertList } from '../core/arguments.js';
import { WeightsMismatchError } from '../core/errors.js';
import * as rule from '../core/options.js';
import { formatShape, numElements } from '../core/shape.js';
import { canonicalEncoder, canonicalOrOwnNames } from './canonical.js';
import { fitsLayout, torchShape, writeLibraryLayout, type Layout } from './layout.js';
import { withWeights } from './open.js';
import { isDecoderName } from './schemes/names.js';
import { A_WHICH, type Which } from './select.js';
import {
  numBytes,
  toFloat32,
  type LazyTensor,
  type TensorMap,
  type TensorValues,
} from '../io/tensor.js';

/** A parameter to fill. The engine's parameter store has these fields for every entry. */
export interface ParameterTarget {
  /** Official dense name, in a detector with a prefix (`backbone.norm0.weight`). */
  readonly path: string;
  /** Shape in this library. */
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Destination; written only if the whole file is valid, unless the parameters are new. */
  readonly values: Float32Array;
}

/** Interface of the engine's parameter store, because `weights` does not import the engine. */
interface ParameterSource {
  readonly entries: readonly {
    readonly path: string;
    readonly spec: { readonly shape: readonly number[]; readonly layout: Layout };
  }[];
  /** Values of a parameter (a view). */
  get(path: string): Float32Array;
}

/** Lists all parameters of a store as targets. */
export function parameterTargets(store: ParameterSource): readonly ParameterTarget[] {
  return store.entries.map(({ path, spec: { shape, layout } }) => ({
    path,
    shape,
    layout,
    values: store.get(path),
  }));
}

/**
 * Allowed difference between file and model:
 * - `newHead`: the classifier head keeps its initial values, the file's is dropped
 * - `encoderOnly`: only stem, downsampling and blocks are loaded; every other parameter of the model keeps its initial
 *   values, and the file's final norm, output norms, head and FCMAE decoder are dropped
 * - `noAuxiliary`: the auxiliary head of a segmenter, which only trains, keeps its initial values
 */
type LoadException = 'newHead' | 'encoderOnly' | 'noAuxiliary';

/** Options of loading. */
export interface LoadOptions {
  readonly which?: Which | undefined;
  readonly exceptions?: readonly LoadException[] | undefined;
  /** Whether the parameters are dropped if the file is refused, so that each may be written when it is read. */
  readonly isNew?: boolean | undefined;
  /** Converts a parameter path to the name in the file; for a backbone inside a detector, removes the prefix. */
  readonly sourceName?: ((path: string) => string) | undefined;
}

const LOAD_RULES: rule.OptionRules<LoadOptions> = {
  which: A_WHICH,
  exceptions: rule.A_LIST,
  isNew: rule.TRUE_OR_FALSE,
  sourceName: rule.A_FUNCTION,
};

/** A parameter and the tensor that fills it. */
type Pair = readonly [ParameterTarget, LazyTensor];

/** Result of loading, by name. */
export interface LoadReport {
  /** Written paths. */
  readonly loaded: readonly string[];
  /** Paths that keep their initial values because of an exception. */
  readonly kept: readonly string[];
  /** Names of the file that were skipped because of an exception, and unused batch norm counters. */
  readonly dropped: readonly string[];
}

/** Largest size of weights that are kept between checking and writing; larger ones are read twice. */
const MAX_HELD_ELEMENTS = 2 ** 28;

/**
 * Loads a weight file of any container and naming scheme into parameters. Strict: every name, shape and value must match
 * except for the named exceptions, or nothing is written (new parameters may be).
 *
 * @throws WeightsError listing every missing, unexpected and wrongly shaped name, or every tensor with NaN or Inf
 */
export function loadWeights(
  file: string,
  targets: readonly ParameterTarget[],
  options: LoadOptions = {},
): Promise<LoadReport> {
  assertList('loadWeights', 'a list of parameters', targets);
  rule.assertOptions('loadWeights', options, LOAD_RULES);
  return withWeights(file, async (source) => {
    const isEncoder = options.exceptions?.includes('encoderOnly') ?? false;
    const names = isEncoder ? canonicalEncoder : canonicalOrOwnNames;
    return loadTensors(file, names(source, options.which), targets, options);
  });
}

/**
 * {@link loadWeights} from tensors of an open file.
 *
 * @param tensors official dense names, PyTorch's axis order
 */
export async function loadTensors(
  file: string,
  tensors: TensorMap,
  targets: readonly ParameterTarget[],
  { exceptions = [], isNew = false, sourceName = (path) => path }: Omit<LoadOptions, 'which'> = {},
): Promise<LoadReport> {
  const { pairs, kept, dropped, problems } = matchTensors(tensors, targets, {
    exceptions,
    sourceName,
  });
  for (const { path, shape, values } of targets) {
    const size = numElements(shape);
    if (values.length !== size)
      problems.push(`${path}: expected room for ${size} values, got ${values.length}`);
  }
  if (problems.length > 0) {
    throw WeightsMismatchError.in(
      file,
      `expected the model's parameters, got differences: ${problems.join('; ')}`,
    );
  }
  await (isNew ? writeNew : writeChecked)(file, pairs.map(asStored));
  return { loaded: pairs.map(([{ path }]) => path), kept, dropped };
}

/** Tensors by the parameters that they fill, and the differences. */
interface Match<Target> {
  readonly pairs: readonly (readonly [Target, LazyTensor])[];
  /** Paths that keep their initial values because of an exception. */
  readonly kept: readonly string[];
  /** Names of the file that are skipped. */
  readonly dropped: readonly string[];
  readonly problems: string[];
}

/**
 * Compares the names and shapes of a file with those of a model.
 *
 * @param tensors official dense names, PyTorch's axis order
 */
export function matchTensors<Target extends Omit<ParameterTarget, 'values'>>(
  tensors: TensorMap,
  targets: readonly Target[],
  { exceptions = [], sourceName = (path) => path }: Omit<LoadOptions, 'which'> = {},
): Match<Target> {
  const isLeftOut = (name: string): boolean =>
    (exceptions.includes('newHead') && isHeadName(name)) ||
    (exceptions.includes('encoderOnly') && !isEncoderName(name)) ||
    (exceptions.includes('noAuxiliary') && name.startsWith('auxiliary_head.'));
  const pairs: (readonly [Target, LazyTensor])[] = [];
  const kept: string[] = [];
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const target of targets) {
    const name = sourceName(target.path);
    wanted.add(name);
    const tensor = tensors.get(name);
    if (isLeftOut(name)) kept.push(target.path);
    else if (!tensor) problems.push(`missing ${name}`);
    else if (!fitsLayout(tensor.shape, target.shape, target.layout)) {
      const shape = torchShape(target.shape, target.layout);
      problems.push(
        `${name}: expected ${formatShape(shape)}, got ${formatShape(tensor.shape)}${channelsNote(name, shape, tensor.shape)}`,
      );
    } else pairs.push([target, tensor]);
  }
  const dropped: string[] = [];
  for (const name of tensors.keys()) {
    if (wanted.has(name) && !isLeftOut(name)) continue;
    const droppable = isLeftOut(name) && isKnownName(name);
    if (droppable || name.endsWith('.num_batches_tracked')) dropped.push(name);
    else if (!wanted.has(name)) problems.push(`unexpected ${name}`);
  }
  return { pairs, kept, dropped, problems };
}

/** Remedy if the stem of a file is for images of other channels; empty for other tensors. */
function channelsNote(name: string, expected: readonly number[], got: readonly number[]): string {
  const isStem = /(^|\.)downsample_layers\.0\.0\.weight$/.test(name) && got.length === 4;
  const [, channels] = got;
  if (!isStem || channels === expected[1]) return '';
  const remedy =
    channels === 1
      ? 'for gray images repeat it: weight.repeat(1, 3, 1, 1) / 3'
      : 'save one of three, e.g. weight[:, :3] if those are red, green and blue';
  return ` (a stem for images of ${channels} channel${channels === 1 ? '' : 's'}; images are read as RGB, 3 channels: ${remedy})`;
}

/** A tensor that a checkpoint has in the order of its parameter is copied, not brought to PyTorch's order and back. */
function asStored([target, tensor]: Pair): Pair {
  const { stored } = tensor;
  return stored?.layout === target.layout
    ? [{ ...target, layout: 'vector' }, stored.tensor]
    : [target, tensor];
}

/** Reads and checks everything before the first value is written. */
async function writeChecked(file: string, pairs: readonly Pair[]): Promise<void> {
  const total = pairs.reduce((sum, [, tensor]) => sum + numElements(tensor.shape), 0);
  const held = total <= MAX_HELD_ELEMENTS ? new Map<LazyTensor, Float32Array>() : undefined;
  const nonFinite: string[] = [];
  for (const [target, tensor] of pairs) {
    const values = toFloat32(await tensor.read());
    if (!areFinite(values)) nonFinite.push(target.path);
    held?.set(tensor, values);
  }
  assertNoneNonFinite(file, nonFinite);
  for (const [{ layout, values }, tensor] of pairs) {
    const read = held?.get(tensor) ?? toFloat32(await tensor.read());
    writeLibraryLayout(read, tensor.shape, layout, values);
    held?.delete(tensor);
  }
}

/** Number of tensors that are read ahead into their place. */
const AHEAD = 8;

/** Reads, checks and writes one tensor after the other, later ones being read meanwhile; at most two of them have memory of their own. */
async function writeNew(file: string, pairs: readonly Pair[]): Promise<void> {
  const sizes = pairs.map(([, { dtype, shape }]) => numBytes(dtype, shape));
  /** Values whose order stays as it is are read where they belong. */
  const hasPlace = ({ layout, values }: ParameterTarget): boolean =>
    layout === 'vector' && values.buffer instanceof ArrayBuffer;
  const largest = Math.max(0, ...sizes.filter((_, index) => !hasPlace(pairs[index][0])));
  const rooms = [0, 1].map(() => new Uint8Array(largest));
  const roomOf = (index: number): Uint8Array<ArrayBuffer> => {
    const [target] = pairs[index];
    const { buffer, byteOffset, byteLength } = target.values;
    return hasPlace(target)
      ? new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
      : rooms[index % 2];
  };
  const readings: Promise<TensorValues>[] = [];
  /** Starts to read a tensor and those after it; into a room only the next one, when the one before it is written. */
  const startFrom = (index: number): void => {
    for (let next = readings.length; next < pairs.length; next++) {
      if (next > index + (hasPlace(pairs[next][0]) ? AHEAD : 1)) return;
      const reading = pairs[next][1].read(roomOf(next));
      // A rejection is handled when its tensor's turn comes.
      reading.catch(() => undefined);
      readings.push(reading);
    }
  };
  const nonFinite: string[] = [];
  for (const [index, [{ path, layout, values }, { shape }]] of pairs.entries()) {
    startFrom(index);
    const read = toFloat32(await readings[index]);
    const isInPlace = read.buffer === values.buffer && read.byteOffset === values.byteOffset;
    if (!areFinite(read)) nonFinite.push(path);
    else if (!isInPlace) writeLibraryLayout(read, shape, layout, values);
  }
  assertNoneNonFinite(file, nonFinite);
}

function assertNoneNonFinite(file: string, nonFinite: readonly string[]): void {
  if (nonFinite.length === 0) return;
  throw WeightsMismatchError.in(
    file,
    `expected finite weights, got NaN or Inf in ${nonFinite.join(', ')}`,
  );
}

/** Whether all values are finite: times zero, all others are NaN. */
function areFinite(values: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const { length } = values;
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (let i = whole; i < length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}

/** Index of the first value that is not finite, or −1. */
export function firstNonFinite(values: Float32Array): number {
  return areFinite(values) ? -1 : values.findIndex((value) => !Number.isFinite(value));
}

/** Whether a name is that of a classifier, which may have several layers. */
function isHeadName(name: string): boolean {
  return /^(head|pre_logits|classifier|fc)\./.test(name);
}

/** Whether a canonical name is that of stem, downsampling or a block. */
export function isEncoderName(name: string): boolean {
  return /^(downsample_layers|stages)\./.test(name);
}

/** Known names outside the encoder; others are errors. */
function isKnownName(name: string): boolean {
  return (
    isHeadName(name) ||
    name.startsWith('auxiliary_head.') ||
    /^norm([0-3]|_pre)?\.(weight|bias)$/.test(name) ||
    isDecoderName(name)
  );
}
