import { WeightsError } from '../core/errors.js';
import { numElements } from '../core/shape.js';
import {
  compareShapes,
  expectedShapes,
  inferArchitecture,
  type Architecture,
  type SizeName,
} from './architecture.js';
import { firstNonFinite } from './load.js';
import { withWeights } from './open.js';
import { checkRecord } from './record.js';
import { toCanonical } from './schemes/canonical.js';
import { isDecoderName, type Scheme } from './schemes/names.js';
import { selectWeights, type Which } from './select.js';
import { toFloat32, type Container, type TensorMap } from '../io/tensor.js';

/** Description of a valid weight file. */
export interface WeightsSummary {
  readonly file: string;
  readonly container: Container;
  readonly scheme: Scheme;
  /** 1: a ConvNeXt V1, whose LayerScale is folded when reading. */
  readonly version: 1 | 2;
  /** Key of the chosen weights in the file. */
  readonly group: string;
  readonly architecture: Architecture;
  /** Number of values, without the decoder of a masked autoencoder. */
  readonly numParameters: number;
  readonly hasDecoder: boolean;
}

/** Result of {@link verifyWeights}. */
interface VerifiedWeights extends WeightsSummary {
  readonly sha256: string;
  readonly bytes: number;
  /** Whether the checksum was compared with a record, or only computed. */
  readonly recorded: boolean;
}

/** Weights to check. */
interface Expectation {
  readonly which?: Which | undefined;
  /** Expected published size, if known. */
  readonly size?: SizeName | undefined;
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
  return withWeights(file, async (source) => {
    const { group, tensors } = selectWeights(source, which);
    const canonical = toCanonical(file, tensors);
    const network = withoutDecoder(canonical.tensors);
    const architecture = inferArchitecture(file, network);
    const problems = compareShapes(network, expectedShapes(architecture));
    if (problems.length > 0) {
      throw WeightsError.in(
        file,
        `expected the tensors of a ConvNeXt V2, got ${problems.join('; ')}`,
      );
    }
    if (size !== undefined && architecture.size !== size) {
      throw WeightsError.in(
        file,
        `expected a network of size ${size}, got ${architecture.size ?? 'another'}`,
      );
    }
    return {
      file,
      container: source.container,
      scheme: canonical.scheme,
      version: canonical.version,
      group,
      architecture,
      numParameters: [...network.values()].reduce((sum, { shape }) => sum + numElements(shape), 0),
      hasDecoder: network.size < canonical.tensors.size,
    };
  });
}

/**
 * Checks everything possible without running the network: recorded checksum, names, shapes, finite values.
 *
 * @throws WeightsError with the reason
 */
export async function verifyWeights(
  file: string,
  options: Expectation = {},
): Promise<VerifiedWeights> {
  const summary = await summarizeWeights(file, options);
  const checksum = await checkRecord(file);
  const nonFinite = await withWeights(file, async (source) => {
    const { tensors } = toCanonical(file, selectWeights(source, options.which).tensors);
    const names: string[] = [];
    for (const [name, tensor] of tensors) {
      if (firstNonFinite(toFloat32(await tensor.read())) >= 0) names.push(name);
    }
    return names;
  });
  if (nonFinite.length > 0) {
    throw WeightsError.in(
      file,
      `expected finite values, got NaN or Inf in ${nonFinite.join(', ')}`,
    );
  }
  return { ...summary, ...checksum };
}

function withoutDecoder(tensors: TensorMap): TensorMap {
  return new Map([...tensors].filter(([name]) => !isDecoderName(name)));
}
