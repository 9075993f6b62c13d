import { InputError } from '../core/errors.js';
import type { Container, DType } from '../io/tensor.js';
import { withWeights } from '../weights/open.js';
import type { Which } from '../weights/select.js';
import { summarizeModel, type ModelSummary } from './summary.js';

/** Description of a weight file, whether its network is known or not. JSON-serializable. */
export interface WeightsInspection {
  readonly file: string;
  readonly container: Container;
  /** Tensors by the first component of their name (`model`, `optimizer`, …). */
  readonly groups: Readonly<Record<string, number>>;
  readonly dtypes: Readonly<Record<string, number>>;
  readonly tensors: readonly {
    readonly name: string;
    /** Also the name of a type that cannot be read (complex, quantized). */
    readonly dtype: DType | (string & {});
    readonly shape: readonly number[];
  }[];
  /** Values that are not tensors: epoch, arguments, metadata. */
  readonly plain: unknown;
  /** The network, or the reason why it is unknown. */
  readonly network: ModelSummary | { readonly problem: string };
}

/**
 * Describes a weight file without reading values.
 *
 * @throws WeightsError if the file cannot be opened
 */
export async function inspectWeights(file: string, which?: Which): Promise<WeightsInspection> {
  const content = await withWeights(file, (source) => {
    const groups: Record<string, number> = {};
    const dtypes: Record<string, number> = {};
    const tensors = [...source.tensors].map(([name, { dtype: stored, unreadable, shape }]) => {
      const dtype = unreadable ?? stored;
      const [group] = name.split('.');
      groups[group] = (groups[group] ?? 0) + 1;
      dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
      return { name, dtype, shape };
    });
    const plain = toJson(source.plain);
    return { container: source.container, groups, dtypes, tensors, plain };
  });
  return { file, ...content, network: await networkOf(file, which) };
}

async function networkOf(file: string, which?: Which): Promise<WeightsInspection['network']> {
  try {
    return await summarizeModel(file, { which });
  } catch (error) {
    if (error instanceof InputError) return { problem: error.message };
    throw error;
  }
}

/** Converts Python values that JSON lacks: large integers to text, bytes to their number. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
