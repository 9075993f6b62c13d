import { WeightsFileError } from '../../core/errors.js';
import { isRecord } from '../../core/foreign-value.js';
import { numElements } from '../../core/shape.js';
import { assertPrintableName } from '../../core/printable.js';
import { smallTable } from './array.js';
import {
  describe,
  isKind,
  type PickleArray,
  type PickleKey,
  type PickleOpaque,
  type PickleTensor,
  type PickleValue,
  type UnreadableTensor,
} from './values.js';

/** A flattened checkpoint: tensors by dotted path, and all other values as plain JavaScript. */
interface FlatCheckpoint {
  readonly tensors: ReadonlyMap<string, PickleTensor>;
  /** Tensors that are not stored as real numbers. */
  readonly unreadable: ReadonlyMap<string, UnreadableTensor>;
  readonly plain: Readonly<Record<string, unknown>>;
}

/** Limit of nesting; real checkpoints have about six levels. */
const MAX_DEPTH = 64;
/** Limit of visited values, because nested sharing of values grows exponentially. */
const MAX_NODES = 1_000_000;

/** Marks a value that was a tensor or contained only tensors. */
const TENSORS_ONLY = Symbol('tensors only');

/** Names of parameters and statistics of layers, which arrays of NumPy may have. */
const PARAMETER =
  /(^|\.)(weight|bias|gamma|beta|kernel|layer_scale|layer_scale_parameter|running_mean|running_var)$/;

/** Attributes of a `torch.nn.Module` with its tensors and parts, whose names do not appear in those of a state dict. */
const MODULE_FIELDS = ['_parameters', '_buffers', '_modules'];

/**
 * Flattens the value of a pickle. Dicts and lists become path components (`optimizer.state.0.exp_avg`); dicts of tensors
 * only are left out of `plain`, and a tensor in a list leaves `null`. Objects of unknown classes leave their class name;
 * tensors in their attributes are found, those of modules under the names of their state dict. Of NumPy arrays only small
 * tables leave their values.
 *
 * @throws WeightsError on cycles of dicts and lists, excessive nesting, two tensors of one path, and values that are
 *   nothing but an object of an unknown class
 */
export function flattenCheckpoint(file: string, root: PickleValue): FlatCheckpoint {
  const tensors = new Map<string, PickleTensor>();
  const unreadable = new Map<string, UnreadableTensor>();
  const ancestors = new Set<PickleOpaque>();
  let numNodes = 0;
  const fail = (message: string): never => {
    throw WeightsFileError.in(file, message);
  };
  const add = (path: string, value: PickleTensor | UnreadableTensor): symbol => {
    const name = path === '' ? 'tensor' : path;
    assertPrintableName(file, name);
    if (tensors.has(name) || unreadable.has(name))
      fail(`expected one tensor named "${name}", got two`);
    if (value.kind === 'tensor') tensors.set(name, value);
    else unreadable.set(name, value);
    return TENSORS_ONLY;
  };
  const arrays = new Map<string, PickleTensor | UnreadableTensor>();
  const array = ({ content, isScalar }: PickleArray, path: string, depth: number): unknown => {
    if (isKind(content, 'list') && isScalar) return walk(content.items[0], path, depth + 1);
    if (!isKind(content, 'tensor') && !isKind(content, 'unreadable')) return 'numpy.ndarray';
    if (PARAMETER.test(path)) return add(path, content);
    if (!arrays.has(path)) arrays.set(path, content);
    const table = isKind(content, 'tensor') ? smallTable(content) : undefined;
    if (table) numNodes += numElements(content.shape);
    return table ?? 'numpy.ndarray';
  };
  const walk = (value: PickleValue, path: string, depth: number): unknown => {
    if (depth > MAX_DEPTH) {
      // The content of objects is not needed to be complete: a linked list may be long.
      if (ancestors.size > 0) return null;
      fail(`expected values nested at most ${MAX_DEPTH} deep, got more`);
    }
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
      case 'tensor':
      case 'unreadable':
        return add(path, value);
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
      case 'opaque': {
        // An object may refer to its parent.
        if (ancestors.has(value)) return describe(value);
        ancestors.add(value);
        const found = tensors.size + unreadable.size;
        for (const [key, item] of contentOf(value)) {
          const isModulePart = MODULE_FIELDS.includes(String(key)) && isKind(item, 'dict');
          walk(item, isModulePart ? path : at(key), depth + 1);
        }
        ancestors.delete(value);
        return tensors.size + unreadable.size > found ? TENSORS_ONLY : describe(value);
      }
      case 'array':
        return array(value, path, depth);
      case 'global':
        return value.name;
      case 'storage':
        return describe(value);
      default:
        return value satisfies never;
    }
  };
  const walked = walk(root, '', 0);
  // Beside tensors, arrays with other names are statistics of a training; alone they are the weights.
  if (tensors.size + unreadable.size === 0) arrays.forEach((value, path) => add(path, value));
  if (tensors.size + unreadable.size === 0) {
    if (isKind(root, 'storage')) fail(`expected tensors and plain values, got ${describe(root)}`);
    if (isKind(root, 'opaque'))
      fail(
        `expected a checkpoint of tensors and plain values, got ${describe(root)} (nothing was executed; save the model's state_dict() instead)`,
      );
  }
  const plain = isRecord(walked) ? walked : {};
  return {
    tensors,
    unreadable,
    plain: walked === TENSORS_ONLY || isRecord(walked) ? plain : { value: walked },
  };
}

/** Content of an object of an unknown class: entries, items and attributes; of modules only their state dict. */
function contentOf({
  fields,
  entries,
  items,
}: PickleOpaque): readonly (readonly [PickleKey, PickleValue])[] {
  const parameters = fields.get('_parameters');
  if (isKind(parameters, 'dict') && isKind(fields.get('_modules'), 'dict')) {
    return [...fields].flatMap(([key, value]): [PickleKey, PickleValue][] => {
      if (!MODULE_FIELDS.includes(String(key)) || !isKind(value, 'dict')) return [];
      if (key !== '_buffers') return [[key, value]];
      const transient = fields.get('_non_persistent_buffers_set');
      const left = new Set(isKind(transient, 'set') ? transient.items : []);
      const kept = [...value.entries].filter(([name]) => !left.has(name));
      return [[key, { kind: 'dict', entries: new Map(kept) }]];
    });
  }
  const attributes = [...fields].filter(([key]) => !entries.has(key));
  return [...items.map((item, index) => [index, item] as const), ...entries, ...attributes];
}
