import { WeightsFileError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import { printable } from '../../core/printable.js';
import { BYTES_PER_ELEMENT, type DType } from '../tensor.js';
import {
  numpyDtype,
  numpyFromBuffer,
  numpyScalar,
  setNumpyArrayState,
  setNumpyDtypeState,
} from './numpy.js';
import { toKey, type PickleRules } from './unpickle.js';
import {
  describe,
  emptyDict,
  isKind,
  opaque,
  sequence,
  type PickleOpaque,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
  type UnreadableTensor,
} from './values.js';

type Args = readonly PickleValue[];
type Call = (args: Args) => PickleValue;

/** torch's element types and the storage classes of that name (`torch.FloatStorage`). */
const STORAGES: readonly (readonly [storage: string, dtype: DType, names: readonly string[]])[] = [
  ['Double', 'F64', ['float64', 'double']],
  ['Float', 'F32', ['float32', 'float']],
  ['Half', 'F16', ['float16', 'half']],
  ['BFloat16', 'BF16', ['bfloat16']],
  ['Float8_e4m3fn', 'F8_E4M3', ['float8_e4m3fn']],
  ['Float8_e5m2', 'F8_E5M2', ['float8_e5m2']],
  ['Long', 'I64', ['int64', 'long']],
  ['Int', 'I32', ['int32', 'int']],
  ['Short', 'I16', ['int16', 'short']],
  ['Char', 'I8', ['int8']],
  ['Byte', 'U8', ['uint8']],
  ['Bool', 'BOOL', ['bool']],
];

const DTYPE_OF_STORAGE: ReadonlyMap<string, DType> = new Map(
  STORAGES.map(([storage, dtype]) => [`torch.${storage}Storage`, dtype]),
);
const DTYPE_OF_NAME: ReadonlyMap<string, DType> = new Map(
  STORAGES.flatMap(([, dtype, names]) => names.map((name) => [`torch.${name}`, dtype] as const)),
);
const UNTYPED_STORAGE = 'torch.UntypedStorage';

/** Storages of elements that are not read, with the size of an element: complex, quantized, unsigned, 8-bit floats. */
const UNREADABLE_STORAGES: ReadonlyMap<string, number> = new Map([
  ['torch.ComplexFloatStorage', 8],
  ['torch.ComplexDoubleStorage', 16],
  ['torch.QInt8Storage', 1],
  ['torch.QUInt8Storage', 1],
  ['torch.QInt32Storage', 4],
  ['torch.QUInt4x2Storage', 1],
  ['torch.QUInt2x4Storage', 1],
]);

/** Functions of torch that build tensors; those that are not in the list build unreadable ones. */
const REBUILDS = /^torch\.(_utils|_tensor)\._rebuild_/;

/** Largest number of axes, as in PyTorch's own kernels. */
const MAX_RANK = 64;
const MAX_COPIED = 4_000_000;
/** Limit of all bytes together that pickle writes as text: those of arrays. */
const MAX_BYTES = 2 ** 28;
/** Arguments of a call that are not charged: those of known functions are fewer. */
const FREE_ARGUMENTS = 16;
/** An attribute is set, not only read. */
const STATE_COST = 4;

/** Names that are kept as names. */
const INERT = new Set([
  ...DTYPE_OF_STORAGE.keys(),
  ...DTYPE_OF_NAME.keys(),
  UNTYPED_STORAGE,
  'builtins.object',
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'numpy.ndarray',
]);

/** Renamed modules: older and newer spellings of the same names. */
const MODULE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
  ['torch.cuda', 'torch'],
  ['torch.storage', 'torch'],
  ['numpy._core.multiarray', 'numpy.core.multiarray'],
  ['numpy._core.numeric', 'numpy.core.numeric'],
  ['pathlib._local', 'pathlib'],
]);

/** Classes that are nothing but fields. */
const NAMESPACES = ['argparse.Namespace', 'types.SimpleNamespace'];

const PATH_CLASSES = ['Path', 'PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath'];

/**
 * Rules of a torch checkpoint: tensors, storages, plain containers, `argparse.Namespace` and NumPy scalars become data,
 * every other class or function an inert description. No Python behavior is emulated beyond that.
 *
 * @param file for messages
 */
export function torchRules(file: string): PickleRules {
  const fail = (message: string): never => {
    throw WeightsFileError.in(file, message);
  };
  // Limit of all copies together, because calls that copy their arguments could be repeated on one large value.
  let copied = 0;
  const spend = (amount: number): void => {
    copied += amount;
    if (copied > MAX_COPIED) fail(`expected calls on at most ${MAX_COPIED} items, got more`);
  };
  let encoded = 0;
  const tensor = (
    storage: PickleValue,
    view: Args,
    named?: PickleValue,
  ): PickleTensor | UnreadableTensor => {
    if (!isKind(storage, 'storage')) return fail(`expected a storage, got ${describe(storage)}`);
    const [offset, shape, strides] = [view[0], sizes(view[1]), sizes(view[2])];
    if (isKind(named, 'opaque') || storage.unreadable !== undefined) {
      const type = storage.unreadable ?? describe(named);
      return { kind: 'unreadable', type, shape: shape ?? [] };
    }
    const nameOfType = isKind(named, 'global') ? DTYPE_OF_NAME.get(named.name) : undefined;
    const dtype = storage.dtype ?? nameOfType ?? fail('expected a dtype for an untyped storage');
    const hasShape = shape !== undefined && Number.isSafeInteger(numElements(shape));
    if (!isSize(offset) || !hasShape || shape.length !== strides?.length) {
      return fail('expected offset, sizes and strides of a tensor to be natural numbers');
    }
    return { kind: 'tensor', storage, dtype, offset, shape, strides };
  };
  const parameter: Call = ([data]) =>
    isKind(data, 'tensor') || isKind(data, 'unreadable')
      ? data
      : fail(`expected a tensor, got ${describe(data)}`);
  const sequenceOf =
    (kind: 'list' | 'tuple' | 'set'): Call =>
    ([items]) => {
      if (items === undefined) return sequence(kind, []);
      if (!isKind(items, 'list') && !isKind(items, 'tuple') && !isKind(items, 'set')) {
        return fail(`expected items of a ${kind}, got ${describe(items)}`);
      }
      spend(items.items.length);
      return sequence(kind, [...items.items]);
    };
  const dict: Call = (args) => {
    const result = emptyDict();
    const [items] = args;
    if (items === undefined) return result;
    if (isKind(items, 'dict')) {
      spend(items.entries.size);
      return { kind: 'dict', entries: new Map(items.entries) };
    }
    if (!isKind(items, 'list')) return fail('expected the items of a dict');
    spend(items.items.length);
    for (const pair of items.items) {
      if (!(isKind(pair, 'tuple') || isKind(pair, 'list')) || pair.items.length !== 2) {
        return fail('expected pairs of key and value for a dict');
      }
      result.entries.set(toKey(pair.items[0], spend), pair.items[1]);
    }
    return result;
  };
  const plainObject = (className: string): PickleValue => ({
    kind: 'object',
    className,
    fields: new Map(),
  });

  const calls = new Map<string, Call>([
    ['torch._utils._rebuild_tensor', ([storage, ...view]) => tensor(storage, view)],
    ['torch._utils._rebuild_tensor_v2', ([storage, ...view]) => tensor(storage, view)],
    ['torch._utils._rebuild_tensor_v3', ([storage, ...view]) => tensor(storage, view, view[5])],
    ['torch._utils._rebuild_parameter', parameter],
    ['torch._utils._rebuild_parameter_with_state', parameter],
    // (function, type, args, attributes): a tensor with Python attributes.
    [
      'torch._tensor._rebuild_from_type_v2',
      ([inner, , args]) => {
        if (isKind(inner, 'opaque'))
          return unreadable(inner, isKind(args, 'tuple') ? args.items : []);
        // One level only: otherwise a file could force unlimited recursion.
        const rebuilds = isKind(inner, 'global') && inner.name.startsWith('torch._utils.');
        return rebuilds && isKind(args, 'tuple')
          ? rules.call(inner, args.items)
          : fail('expected the arguments of a tensor');
      },
    ],
    [
      'torch._load_from_bytes',
      () => fail('expected a torch file, got tensors in a pickle (save them with torch.save)'),
    ],
    ['torch.Size', sequenceOf('tuple')],
    ['torch.device', ([type]) => type ?? fail('expected the name of a device')],
    ['collections.OrderedDict', dict],
    ['collections.defaultdict', emptyDict],
    ['collections.Counter', dict],
    ['builtins.dict', dict],
    ['builtins.list', sequenceOf('list')],
    ['builtins.tuple', sequenceOf('tuple')],
    ['builtins.set', sequenceOf('set')],
    ['builtins.frozenset', sequenceOf('set')],
    ['builtins.bytes', ([bytes]) => bytes ?? new Uint8Array()],
    ...NAMESPACES.map((name): [string, Call] => [name, () => plainObject(name)]),
    // Protocols 0 and 1 create objects with `_reconstructor(class, base, state of the base)`.
    [
      'copyreg._reconstructor',
      ([type]) =>
        isKind(type, 'global') && NAMESPACES.includes(type.name)
          ? plainObject(type.name)
          : opaque(describe(type)),
    ],
    ['copyreg.__newobj__', ([type]) => opaque(describe(type))],
    ['copyreg.__newobj_ex__', ([type]) => opaque(describe(type))],
    // Bytes in protocol 2: text whose characters are the bytes.
    [
      '_codecs.encode',
      ([text, encoding]) => {
        if (typeof text !== 'string') return fail('expected text');
        encoded += text.length;
        if (encoding !== 'latin1' || encoded > MAX_BYTES) return opaque('_codecs.encode');
        return new Uint8Array(Buffer.from(text, 'latin1'));
      },
    ],
    ['numpy.dtype', ([code]) => numpyDtype(code)],
    ['numpy.core.multiarray._reconstruct', () => ({ kind: 'array' })],
    ['numpy.core.numeric._frombuffer', (args) => numpyFromBuffer(args)],
    ['numpy.core.multiarray.scalar', ([dtype, bytes]) => numpyScalar(file, dtype, bytes)],
    ...PATH_CLASSES.map((name): [string, Call] => [
      `pathlib.${name}`,
      (parts) => {
        if (!parts.every((part) => typeof part === 'string'))
          return fail('expected parts of a path');
        spend(parts.reduce((sum, part) => sum + part.length + 1, 0));
        return parts.join('/').replace(/^\/+/, '/');
      },
    ]),
  ]);

  const rules: PickleRules = {
    spend,
    resolve(module, name) {
      const full = canonicalName(`${module}.${name}`);
      if (calls.has(full) || INERT.has(full)) return { kind: 'global', name: full };
      return opaque(`${module}.${name}`);
    },
    call(callable, args) {
      spend(Math.max(0, args.length - FREE_ARGUMENTS));
      if (isKind(callable, 'opaque'))
        return REBUILDS.test(callable.className)
          ? unreadable(callable, args)
          : opaque(callable.className);
      const call = isKind(callable, 'global') ? calls.get(callable.name) : undefined;
      return call ? call(args) : fail(`expected something to call, got ${describe(callable)}`);
    },
    setState(object, state) {
      if (isKind(object, 'object') && object.className === 'numpy.dtype') {
        return setNumpyDtypeState(file, object, state);
      }
      if (isKind(object, 'object') && isKind(state, 'dict')) {
        spend(STATE_COST * state.entries.size);
        for (const [key, value] of state.entries) object.fields.set(key, value);
        return object;
      }
      if (isKind(object, 'array')) return setNumpyArrayState(object, state);
      if (isKind(object, 'opaque')) return withState(object, state, spend);
      // State dicts have `_metadata` (module versions) as an attribute of the OrderedDict; tensors have hooks.
      if (isKind(object, 'dict') || isKind(object, 'tensor') || isKind(object, 'unreadable'))
        return object;
      return fail(`expected an object with fields, got ${describe(object)}`);
    },
    persistent(id) {
      const items = isKind(id, 'tuple') ? id.items : [];
      const [tag, type, key, , length, view] = items;
      // Legacy files: a class with its source code.
      if (tag === 'module' && isKind(type, 'opaque')) return type;
      const name = isKind(type, 'global') ? type.name : undefined;
      const dtype = name === undefined ? undefined : DTYPE_OF_STORAGE.get(name);
      const other = isKind(type, 'opaque') ? canonicalName(type.className) : '';
      const otherBytes = UNREADABLE_STORAGES.get(other);
      const elementBytes = dtype ? BYTES_PER_ELEMENT[dtype] : (otherBytes ?? 1);
      const isKnown = dtype !== undefined || name === UNTYPED_STORAGE || otherBytes !== undefined;
      if (tag !== 'storage' || !isKnown) {
        return fail(`expected a reference to a storage, got ${describe(tag)} ${describe(type)}`);
      }
      if (!isSize(length) || (typeof key !== 'string' && typeof key !== 'number')) {
        return fail('expected key and length of a storage');
      }
      if (printable(String(key)) !== String(key)) return fail('expected a printable storage key');
      const unreadable = otherBytes === undefined ? undefined : other;
      const whole = { dtype, unreadable, elementBytes, length, start: 0 };
      return viewOf({ kind: 'storage', key: String(key), ...whole }, view);
    },
  };

  /** Legacy files: `(key, offset, size)` of a storage that is a view of another. */
  const viewOf = (storage: PickleStorage, view: PickleValue | undefined): PickleStorage => {
    if (view === undefined || view === null) return storage;
    const [, start, length] = isKind(view, 'tuple') ? view.items : [];
    if (!isSize(start) || !isSize(length) || start + length > storage.length) {
      return fail('expected the view of a storage to lie inside it');
    }
    return { ...storage, start, length };
  };
  return rules;
}

/** The name with today's spelling of its module. */
function canonicalName(name: string): string {
  const at = name.lastIndexOf('.');
  const module = name.slice(0, at);
  return `${MODULE_ALIASES.get(module) ?? module}${name.slice(at)}`;
}

/** `object.__setstate__(state)` of an unknown class: a dict of attributes, or that and those of its slots. */
function withState(
  object: PickleOpaque,
  state: PickleValue,
  spend: (amount: number) => void,
): PickleOpaque {
  const parts = isKind(state, 'tuple') && state.items.length === 2 ? state.items : [state];
  for (const part of parts) {
    if (!isKind(part, 'dict')) continue;
    spend(STATE_COST * part.entries.size);
    for (const [key, value] of part.entries) object.fields.set(key, value);
  }
  return object;
}

/** A tensor that torch builds in a way that is not read: its shape is the first one among the arguments. */
function unreadable(rebuild: PickleOpaque, args: Args): UnreadableTensor {
  const tuples = args.flatMap((arg) => (isKind(arg, 'tuple') ? [arg, ...arg.items] : []));
  const shapes = tuples.map((value) => (isKind(value, 'tuple') ? sizes(value) : undefined));
  const shape = shapes.find((found) => found !== undefined && found.length > 0) ?? [];
  return { kind: 'unreadable', type: rebuild.className, shape };
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function sizes(value: PickleValue | undefined): readonly number[] | undefined {
  if (!isKind(value, 'tuple') && !isKind(value, 'list')) return undefined;
  // A copy, because the pickle could change a list after this check.
  return value.items.length <= MAX_RANK && value.items.every(isSize) ? [...value.items] : undefined;
}
