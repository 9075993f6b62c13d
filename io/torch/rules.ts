import { WeightsError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import { printable } from '../../core/printable.js';
import type { DType } from '../tensor.js';
import { numpyDtype, numpyScalar, setNumpyDtypeState } from './numpy.js';
import type { PickleRules } from './unpickle.js';
import {
  describe,
  emptyDict,
  isKind,
  sequence,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
} from './values.js';

type Args = readonly PickleValue[];
type Call = (args: Args) => PickleValue;

/** torch's element types and the storage classes of that name (`torch.FloatStorage`). */
const STORAGES: readonly (readonly [storage: string, dtype: DType, names: readonly string[]])[] = [
  ['Double', 'F64', ['float64', 'double']],
  ['Float', 'F32', ['float32', 'float']],
  ['Half', 'F16', ['float16', 'half']],
  ['BFloat16', 'BF16', ['bfloat16']],
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

/** Largest number of axes, as in PyTorch's own kernels. */
const MAX_RANK = 64;
const MAX_COPIED = 4_000_000;

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
  ['pathlib._local', 'pathlib'],
]);

const PATH_CLASSES = ['Path', 'PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath'];

/**
 * Allowlist of a torch checkpoint: tensors, storages, plain containers, `argparse.Namespace` and NumPy scalars. Each
 * entry creates a description; no Python behavior is emulated beyond that.
 *
 * @param file for messages
 */
export function torchRules(file: string): PickleRules {
  const fail = (message: string): never => {
    throw WeightsError.in(file, message);
  };
  // Limit of all copies together, because calls that copy their arguments could be repeated on one large value.
  let copied = 0;
  const spend = (amount: number): void => {
    copied += amount;
    if (copied > MAX_COPIED) fail(`expected calls on at most ${MAX_COPIED} items, got more`);
  };
  const tensor = (storage: PickleValue, view: Args, named?: DType): PickleTensor => {
    if (!isKind(storage, 'storage')) return fail(`expected a storage, got ${describe(storage)}`);
    const dtype = storage.dtype ?? named ?? fail('expected a dtype for an untyped storage');
    const [offset, shape, strides] = [view[0], sizes(view[1]), sizes(view[2])];
    const sound = shape !== undefined && Number.isSafeInteger(numElements(shape));
    if (!isSize(offset) || !sound || shape.length !== strides?.length) {
      return fail('expected offset, sizes and strides of a tensor to be natural numbers');
    }
    return { kind: 'tensor', storage, dtype, offset, shape, strides };
  };
  const parameter: Call = ([data]) =>
    isKind(data, 'tensor') ? data : fail(`expected a tensor, got ${describe(data)}`);
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
      if (!(isKind(pair, 'tuple') || isKind(pair, 'list')) || typeof pair.items[0] !== 'string') {
        return fail('expected pairs of text and value for a dict');
      }
      result.entries.set(pair.items[0], pair.items[1]);
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
    [
      'torch._utils._rebuild_tensor_v3',
      ([storage, ...view]) =>
        tensor(
          storage,
          view,
          isKind(view[5], 'global') ? DTYPE_OF_NAME.get(view[5].name) : undefined,
        ),
    ],
    ['torch._utils._rebuild_parameter', parameter],
    ['torch._utils._rebuild_parameter_with_state', parameter],
    // (function, type, args, attributes): a tensor with Python attributes.
    [
      'torch._tensor._rebuild_from_type_v2',
      ([inner, , args]) => {
        // One level only: otherwise a file could force unlimited recursion.
        const rebuilds = isKind(inner, 'global') && inner.name.startsWith('torch._utils.');
        return rebuilds && isKind(args, 'tuple')
          ? rules.call(inner, args.items)
          : fail('expected the arguments of a tensor');
      },
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
    ['argparse.Namespace', () => plainObject('argparse.Namespace')],
    // Protocols 0 and 1 create objects with `_reconstructor(class, object, None)`.
    [
      'copyreg._reconstructor',
      ([type]) =>
        isKind(type, 'global') && type.name === 'argparse.Namespace'
          ? plainObject(type.name)
          : fail(`expected argparse.Namespace, got ${describe(type)}`),
    ],
    // Bytes in protocol 2: text whose characters are the bytes.
    [
      '_codecs.encode',
      ([text, encoding]) => {
        if (typeof text !== 'string' || encoding !== 'latin1') return fail('expected latin1 text');
        spend(text.length);
        return new Uint8Array(Buffer.from(text, 'latin1'));
      },
    ],
    ['numpy.dtype', ([code]) => numpyDtype(file, code)],
    ['numpy.core.multiarray.scalar', ([dtype, bytes]) => numpyScalar(file, dtype, bytes)],
    ...PATH_CLASSES.map((name): [string, Call] => [
      `pathlib.${name}`,
      (parts) => {
        if (!parts.every((part) => typeof part === 'string'))
          return fail('expected parts of a path');
        const path = parts.join('/').replace(/^\/+/, '/');
        spend(path.length);
        return path;
      },
    ]),
  ]);

  const rules: PickleRules = {
    resolve(module, name) {
      const full = `${MODULE_ALIASES.get(module) ?? module}.${name}`;
      if (calls.has(full) || INERT.has(full)) return { kind: 'global', name: full };
      return fail(
        `expected a checkpoint of tensors and plain values, got ${printable(`${module}.${name}`)} (nothing was executed; save the model's state_dict() instead)`,
      );
    },
    call(callable, args) {
      const call = isKind(callable, 'global') ? calls.get(callable.name) : undefined;
      return call ? call(args) : fail(`expected something to call, got ${describe(callable)}`);
    },
    setState(object, state) {
      if (isKind(object, 'object') && object.className === 'numpy.dtype') {
        return setNumpyDtypeState(file, object, state);
      }
      if (isKind(object, 'object') && isKind(state, 'dict')) {
        for (const [key, value] of state.entries) object.fields.set(key, value);
        return object;
      }
      // State dicts have `_metadata` (module versions) as an attribute of the OrderedDict; tensors have hooks.
      if (isKind(object, 'dict') || isKind(object, 'tensor')) return object;
      return fail(`expected an object with fields, got ${describe(object)}`);
    },
    persistent(id) {
      const items = isKind(id, 'tuple') ? id.items : [];
      const [tag, type, key, , length, view] = items;
      const name = isKind(type, 'global') ? type.name : undefined;
      const dtype = name === undefined ? undefined : DTYPE_OF_STORAGE.get(name);
      if (tag !== 'storage' || (dtype === undefined && name !== UNTYPED_STORAGE)) {
        return fail(`expected a reference to a storage, got ${describe(tag)} ${describe(type)}`);
      }
      if (!isSize(length) || (typeof key !== 'string' && typeof key !== 'number')) {
        return fail('expected key and length of a storage');
      }
      if (printable(String(key)) !== String(key)) return fail('expected a printable storage key');
      return viewOf({ kind: 'storage', key: String(key), dtype, length, start: 0 }, view);
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

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function sizes(value: PickleValue | undefined): readonly number[] | undefined {
  if (!isKind(value, 'tuple') && !isKind(value, 'list')) return undefined;
  // A copy, because the pickle could change a list after this check.
  return value.items.length <= MAX_RANK && value.items.every(isSize) ? [...value.items] : undefined;
}
