import { assertList } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { numElements } from '../../core/shape.js';
import { listSpecs, type Initializer, type ParameterSpec, type SpecTree } from './spec.js';

/** Position of a parameter in the flat buffers. */
export interface ParameterEntry {
  readonly path: string;
  readonly spec: ParameterSpec;
  /** First element. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
}

/** Largest number of parameters, 8 GiB: a configuration from a file may ask for any number. */
const MAX_PARAMETERS = 2 ** 31;

function zeros(size: number): Float32Array {
  if (size <= MAX_PARAMETERS) return new Float32Array(size);
  throw new ConfigError(
    `ParameterStore: expected a model of at most ${MAX_PARAMETERS} parameters, got ${size}`,
  );
}

/**
 * All parameters of a model in one flat buffer, in the order of the spec tree. Sessions, optimizers and checkpoints read
 * and write views of it, so every weight exists only once.
 */
export class ParameterStore {
  readonly entries: readonly ParameterEntry[];
  private readonly byPath: ReadonlyMap<string, ParameterEntry>;

  /**
   * @param values `[size]`; zeros if not given
   * @throws ConfigError if the size of the buffer differs, or there are more than 2³¹ parameters
   */
  constructor(
    readonly specs: SpecTree,
    readonly values: Float32Array = zeros(parameterSize(specs)),
  ) {
    assertList('ParameterStore', 'values as a buffer', values);
    let offset = 0;
    this.entries = listSpecs(specs).map(([path, spec]) => {
      const entry = { path, spec, offset, size: numElements(spec.shape) };
      offset += entry.size;
      return entry;
    });
    if (values.length !== offset) {
      throw new ConfigError(
        `ParameterStore: expected a buffer of ${offset} values, got ${values.length}`,
      );
    }
    this.byPath = new Map(this.entries.map((entry) => [entry.path, entry]));
  }

  /** Entry of a path. @throws ConfigError if there is none */
  entry(path: string): ParameterEntry {
    const entry = this.byPath.get(path);
    if (!entry) throw new ConfigError(`ParameterStore: expected a known parameter, got ${path}`);
    return entry;
  }

  /** Values of a parameter (a view). */
  get(path: string): Float32Array {
    return this.view(this.entry(path), this.values);
  }

  /** Values of a parameter in any buffer laid out like this store (a view). */
  view({ offset, size }: ParameterEntry, buffer: Float32Array): Float32Array {
    return buffer.subarray(offset, offset + size);
  }

  /**
   * Draws all initial values. The random stream of a parameter depends on its path, so adding a parameter does not change
   * the others, and a backbone starts with the same values under every head.
   */
  initialize(seed: number): void {
    for (const entry of this.entries) {
      const random = new Random(seed, hash(entry.path));
      fill(this.view(entry, this.values), entry.spec.init, random);
    }
  }
}

/** Number of values of all parameters, trainable or not. */
export function parameterSize(specs: SpecTree): number {
  return listSpecs(specs).reduce((total, [, { shape }]) => total + numElements(shape), 0);
}

/** Number of trainable values, which the literature calls the number of parameters. */
export function numParameters(specs: SpecTree): number {
  return listSpecs(specs).reduce(
    (total, [, spec]) => total + (spec.trainable ? numElements(spec.shape) : 0),
    0,
  );
}

/** FNV-1a hash of a path, 32 bits. */
function hash(path: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < path.length; i++)
    value = Math.imul(value ^ path.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

function fill(values: Float32Array, init: Initializer, random: Random): void {
  switch (init.kind) {
    case 'constant':
      values.fill(init.value);
      break;
    case 'normal':
      for (let i = 0; i < values.length; i++) values[i] = init.std * random.normal();
      break;
    case 'truncatedNormal':
      for (let i = 0; i < values.length; i++) {
        do values[i] = init.std * random.normal();
        while (Math.abs(values[i]) > init.limit);
      }
      break;
    case 'uniform':
      for (let i = 0; i < values.length; i++) values[i] = random.between(-init.limit, init.limit);
      break;
    default:
      init satisfies never;
  }
}
