import { WeightsError } from '../../core/errors.js';
import { assertPrintableName, printable } from '../../core/printable.js';
import { describe, type PickleKey, type PickleTensor, type PickleValue } from './values.js';

/** A flattened checkpoint: tensors by dotted path, and all other values as plain JavaScript. */
interface FlatCheckpoint {
  readonly tensors: ReadonlyMap<string, PickleTensor>;
  readonly plain: Readonly<Record<string, unknown>>;
}

/** Limit of nesting; real checkpoints have about six levels. */
const MAX_DEPTH = 64;
/** Limit of visited values, because nested sharing of values grows exponentially. */
const MAX_NODES = 1_000_000;

/** Marks a value that was a tensor or contained only tensors. */
const TENSORS_ONLY = Symbol('tensors only');

/**
 * Flattens the value of a pickle. Dicts and lists become path components (`optimizer.state.0.exp_avg`); dicts of tensors
 * only are left out of `plain`, and a tensor in a list leaves `null`.
 *
 * @throws WeightsError on cycles, excessive nesting, and two tensors of one path
 */
export function flattenCheckpoint(file: string, root: PickleValue): FlatCheckpoint {
  const tensors = new Map<string, PickleTensor>();
  let numNodes = 0;
  const fail = (message: string): never => {
    throw WeightsError.in(file, message);
  };
  const walk = (value: PickleValue, path: string, depth: number): unknown => {
    if (depth > MAX_DEPTH) fail(`expected values nested at most ${MAX_DEPTH} deep, got more`);
    if (++numNodes > MAX_NODES) fail(`expected at most ${MAX_NODES} values, got more`);
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
    const at = (key: PickleKey | number): string => (path === '' ? String(key) : `${path}.${key}`);
    const fields = (entries: ReadonlyMap<PickleKey, PickleValue>): unknown => {
      const plain: [string, unknown][] = [];
      for (const [key, item] of entries) {
        const walked = walk(item, at(key), depth + 1);
        if (walked !== TENSORS_ONLY) plain.push([String(key), walked]);
      }
      return plain.length === 0 && entries.size > 0 ? TENSORS_ONLY : Object.fromEntries(plain);
    };
    switch (value.kind) {
      case 'tensor': {
        const name = path === '' ? 'tensor' : path;
        assertPrintableName(file, name);
        if (tensors.has(name)) fail(`expected one tensor named "${name}", got two`);
        tensors.set(name, value);
        return TENSORS_ONLY;
      }
      case 'dict':
        return fields(value.entries);
      case 'object':
        return fields(value.fields);
      case 'list':
      case 'tuple':
      case 'set': {
        const walked = value.items.map((item, index) => walk(item, at(index), depth + 1));
        return walked.map((item) => (item === TENSORS_ONLY ? null : item));
      }
      case 'global':
        return value.name;
      case 'storage':
        return fail(
          `expected tensors and plain values, got ${describe(value)} at "${printable(path)}"`,
        );
      default:
        return value satisfies never;
    }
  };
  const walked = walk(root, '', 0);
  const isRecord = typeof walked === 'object' && walked !== null && !Array.isArray(walked);
  const plain = isRecord ? (walked as Record<string, unknown>) : {};
  return { tensors, plain: walked === TENSORS_ONLY || isRecord ? plain : { value: walked } };
}
