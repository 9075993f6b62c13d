import { basename } from 'node:path';
import { WeightsError, WeightsMismatchError } from '../core/errors.js';
import { formatShape, numElements } from '../core/shape.js';
import { sha256Of } from '../io/files/sha256.js';
import {
  compareShapes,
  expectedShapes,
  inferArchitecture,
  type Architecture,
  type AnySizeName,
} from './architecture.js';
import { canonicalEncoder, canonicalWeights } from './canonical.js';
import { firstNonFinite, isEncoderName } from './load.js';
import { withWeights } from './open.js';
import { checkRecord } from './record.js';
import { isDenseModel } from './schemes/canonical.js';
import { describeNames, listed } from './schemes/closest.js';
import { isDecoderName, type SourceScheme } from './schemes/names.js';
import { selectWeights, type Which } from './select.js';
import {
  toFloat32,
  type Container,
  type LazyTensor,
  type TensorMap,
  type TensorSource,
} from '../io/tensor.js';

/** Description of a valid weight file. */
export interface WeightsSummary {
  readonly file: string;
  readonly container: Container;
  readonly scheme: SourceScheme;
  /** 1: a ConvNeXt V1, whose LayerScale is folded when reading. */
  readonly version: 1 | 2;
  /** Key of the chosen weights in the file. */
  readonly group: string;
  /** Prefix of wrappers before all names (`module.`, `model._orig_mod.`); or empty. */
  readonly prefix: string;
  /** Number of other tensors beside the network under that key, e.g. of the text tower of open_clip. */
  readonly numLeftOut: number;
  readonly architecture: Architecture;
  /** Number of values, without the decoder of a masked autoencoder. */
  readonly numParameters: number;
  readonly hasDecoder: boolean;
}

/** Result of {@link verifyValues}. */
export interface FileCheck {
  /** Of a model in pieces: of the list that `sha256sum` prints of them, by name. */
  readonly sha256: string;
  readonly bytes: number;
  /** The files of a model in pieces. */
  readonly pieces?: readonly PieceCheck[] | undefined;
  /** Whether the checksum was compared with a record, or only computed. */
  readonly recorded: boolean;
}

/** Checksum of one file of a model in pieces. */
interface PieceCheck {
  /** Name beside the index. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Weights to check. */
export interface Expectation {
  readonly which?: Which | undefined;
  /** Expected published size, if known. */
  readonly size?: AnySizeName | undefined;
}

/**
 * Checks names and shapes of a file against its network, without reading values.
 *
 * @throws WeightsError listing all differences
 */
export function summarizeWeights(
  file: string,
  { which, size }: Expectation = {},
): Promise<WeightsSummary> {
  return withWeights(file, (source) => summaryOf(source, { which, size }));
}

/** {@link summarizeWeights} of an open file. */
function summaryOf(source: TensorSource, { which, size }: Expectation): WeightsSummary {
  const { file, container } = source;
  const { scheme, version, group, prefix, tensors, leftOut } = canonicalWeights(source, which);
  if (isDenseModel(tensors.keys()))
    throw WeightsMismatchError.in(
      file,
      'expected a classifier or encoder, got a detector or segmenter',
    );
  const network = withoutDecoder(tensors);
  assertLinearHead(file, network);
  const architecture = withEncoderHint(source, which, () =>
    explained(source, which, scheme, () => checkedArchitecture(file, network)),
  );
  if (size !== undefined && architecture.size !== size) {
    throw WeightsMismatchError.in(
      file,
      `expected a network of size ${size}, got ${architecture.size ?? 'another'}`,
    );
  }
  return {
    file,
    container,
    scheme,
    version,
    group,
    prefix,
    architecture,
    numLeftOut: leftOut.length,
    numParameters: countParameters(network, version),
    hasDecoder: network.size < tensors.size,
  };
}

/**
 * Derives the architecture of the encoder of any model, and checks its names and shapes; heads and other layers beside it
 * do not matter.
 *
 * @throws WeightsError listing all differences
 */
export function encoderArchitecture(
  file: string,
  { which }: Pick<Expectation, 'which'> = {},
): Promise<Architecture> {
  return withWeights(file, (source) => {
    const { scheme } = canonicalWeights(source, which);
    return explained(source, which, scheme, () =>
      checkedArchitecture(file, encoderOf(source, which)),
    );
  });
}

/** Tensors of the encoder of any model. */
function encoderOf(source: TensorSource, which: Which | undefined): TensorMap {
  return new Map([...canonicalEncoder(source, which)].filter(([name]) => isEncoderName(name)));
}

/** Adds to an error that training may start from the encoder, if that is whole. @throws the error of `work` */
function withEncoderHint<Result>(
  source: TensorSource,
  which: Which | undefined,
  work: () => Result,
): Result {
  try {
    return work();
  } catch (error) {
    const { file } = source;
    if (!(error instanceof WeightsMismatchError)) throw error;
    try {
      checkedArchitecture(file, encoderOf(source, which));
    } catch {
      throw error;
    }
    throw new WeightsMismatchError(
      `${error.message}; train … --weights ${file} takes its encoder, with a new head`,
      { file, id: error.id, cause: error },
    );
  }
}

/** Architecture of a network of these tensors. @throws WeightsError if there are others, or some are missing */
function checkedArchitecture(file: string, network: TensorMap): Architecture {
  const inferred = inferArchitecture(file, network);
  const problems = compareShapes(network, expectedShapes(inferred));
  if (problems.length === 0) return inferred;
  throw WeightsMismatchError.in(
    file,
    `expected the tensors of a ConvNeXt, got ${listed(problems, '; ')}`,
  );
}

/** Layers of a classifier. */
const HEAD_LAYER = /^(head|classifier|fc)\.(.+\.)?weight$/;

/** Checks that the head is a norm and one linear layer. @throws WeightsError for others, whose names say nothing of activations */
function assertLinearHead(file: string, network: TensorMap): void {
  const layers = [...network]
    .filter(([name]) => HEAD_LAYER.test(name))
    .map(([name, { shape }]) => `${name} ${formatShape(shape)}`);
  const takesRest = `train … --weights ${file} takes all but the head, which is new`;
  if (layers.length > 1)
    throw WeightsMismatchError.in(
      file,
      `expected a head of one linear layer, got ${layers.length} layers: ${listed(layers)}; tensors do not say what is ` +
        `computed between them, so the file cannot predict; ${takesRest}`,
    );
  const hasNorm = ['norm.weight', 'norm_pre.weight'].some((name) => network.has(name));
  if (layers.length === 1 && !hasNorm)
    throw WeightsMismatchError.in(
      file,
      `expected a norm before the head ${layers[0]}, got none; ${takesRest}`,
    );
}

/** Remedy for an encoder beside which the file has linear layers of its width that may be its head; else empty. */
export async function linearLayersBeside(
  file: string,
  width: number,
  which?: Which,
): Promise<string> {
  const layers = await withWeights(file, (source) => {
    const isHead = ([name, { shape }]: readonly [string, LazyTensor]): boolean =>
      name.endsWith('.weight') && shape.length === 2 && shape[1] === width;
    const leftOut = new Set(canonicalWeights(source, which).leftOut);
    return [...source.tensors].filter((entry) => leftOut.has(entry[0]) && isHead(entry));
  });
  const names = layers.map(([name, { shape }]) => `${name} ${formatShape(shape)}`);
  return names.length === 0
    ? ''
    : `; if one of the layers beside it is its head, name that head.weight and head.bias: ${listed(names)}`;
}

/**
 * Adds to an error how many names of the file fit their scheme, the first that do not, and what to do.
 *
 * @throws the error of `work`
 */
export function explained<Result>(
  source: TensorSource,
  which: Which | undefined,
  scheme: SourceScheme,
  work: () => Result,
): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    const { tensors, group } = selectWeights(source, which);
    const { file } = source;
    const others = [...notTensors(source, group), ...unreadable(tensors)];
    const note = others.length > 0 ? `; no dense tensors: ${listed(others)}` : '';
    const names = isPiece(file) ? PIECE : describeNames([...tensors.keys()], scheme);
    throw new WeightsMismatchError(`${error.message}${note}; ${names}`, {
      file,
      id: error.id,
      cause: error,
    });
  }
}

/** Remedy for one piece of a model, see {@link isPiece}. */
const PIECE = 'the file is one piece of a model; give its folder, or the *.index.json beside it';

/** Whether a file has the name of a piece (`model-00001-of-00003.safetensors`). */
function isPiece(file: string): boolean {
  return /-\d{5}-of-\d{5}\.\w+$/.test(file);
}

/** Values beside the tensors of a state dict whose names are those of parameters, with their classes. */
function notTensors({ plain }: TensorSource, group: string): readonly string[] {
  const beside = (group === '' ? plain : plain[group]) as Readonly<Record<string, unknown>> | null;
  return Object.entries(beside ?? {})
    .filter(
      ([name, value]) => /\.(weight|bias|gamma|beta)$/.test(name) && typeof value === 'string',
    )
    .map(([name, value]) => `${name} (${String(value)})`);
}

/** Tensors that are not stored as real numbers in dense arrays, with their types. */
function unreadable(tensors: TensorMap): readonly string[] {
  return [...tensors].flatMap(([name, { unreadable: type }]) =>
    type === undefined ? [] : [`${name} (${type})`],
  );
}

/**
 * Number of parameters of the network of a file: without statistics of batch norm, and for V1 with LayerScale instead of
 * the identity GRN that stands for it.
 *
 * @param tensors canonical names
 */
export function countParameters(tensors: TensorMap, version: 1 | 2): number {
  let total = 0;
  for (const [name, { shape }] of tensors) {
    const isStatistic = /\.(running_mean|running_var|num_batches_tracked)$/.test(name);
    const isAdded = version === 1 && name.includes('.grn.');
    if (!isStatistic && !isAdded) total += numElements(shape);
    if (version === 1 && /(^|\.)stages\.\d+\.\d+\.pwconv2\.bias$/.test(name))
      total += numElements(shape);
  }
  return total;
}

/**
 * Checks the recorded checksum, those that the container holds, and that all values are finite.
 *
 * @throws WeightsError with the reason
 */
export async function verifyValues(file: string, which?: Which): Promise<FileCheck> {
  const pieces = await withWeights(file, (source) => source.pieces);
  const checksum = pieces ? await checkPieces(pieces) : await checkRecord(file);
  const nonFinite = await withWeights(file, async (source) => {
    await source.check?.();
    const { tensors } = canonicalWeights(source, which);
    const names: string[] = [];
    for (const [name, tensor] of tensors) {
      if (firstNonFinite(toFloat32(await tensor.read())) >= 0) names.push(name);
    }
    return names;
  });
  if (nonFinite.length > 0) {
    throw WeightsMismatchError.in(
      file,
      `expected finite values, got NaN or Inf in ${nonFinite.join(', ')}`,
    );
  }
  return checksum;
}

/** Checksums of the files of a model in pieces, each compared with its record if there is one. */
async function checkPieces(files: readonly string[]): Promise<FileCheck> {
  const pieces: PieceCheck[] = [];
  let recorded = true;
  for (const file of [...files].sort()) {
    const piece = await checkRecord(file);
    recorded &&= piece.recorded;
    pieces.push({ name: basename(file), sha256: piece.sha256, bytes: piece.bytes });
  }
  const list = pieces.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  return {
    sha256: sha256Of(list),
    bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    recorded,
    pieces,
  };
}

function withoutDecoder(tensors: TensorMap): TensorMap {
  return new Map([...tensors].filter(([name]) => !isDecoderName(name)));
}
