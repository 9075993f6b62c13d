import { printable } from '../../core/printable.js';
import type { DType } from '../tensor.js';

/** Values of a pickle: plain data and descriptions. No value has behavior. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleSequence<'list'>
  | PickleSequence<'tuple'>
  | PickleSequence<'set'>
  | PickleDict
  | PickleObject
  | PickleGlobal
  | PickleStorage
  | PickleTensor
  | PickleOpaque
  | PickleArray
  | UnreadableTensor;

/** A list, tuple or set. Only lists and sets are mutable. */
interface PickleSequence<Kind extends 'list' | 'tuple' | 'set'> {
  readonly kind: Kind;
  readonly items: PickleValue[];
}

/** A dict or OrderedDict; keys that are not primitives are kept as text. */
interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleKey, PickleValue>;
}

/** Key of a dict. */
export type PickleKey = null | boolean | number | bigint | string;

/** An instance of a class that has only fields (`argparse.Namespace`, `numpy.dtype`). */
export interface PickleObject {
  readonly kind: 'object';
  readonly className: string;
  readonly fields: Map<PickleKey, PickleValue>;
}

/** An allowed name, e.g. `torch.float32`: never called, only recognized. */
interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
}

/** A flat block of memory in the file; tensors are views of it. */
export interface PickleStorage {
  readonly kind: 'storage';
  readonly key: string;
  /** Undefined for untyped storages, whose tensors specify the type, and for types that are not read. */
  readonly dtype: DType | undefined;
  /** Name of an element type that is not read (`torch.ComplexFloatStorage`). */
  readonly unreadable?: string | undefined;
  /** Size of an element; 1 for untyped storages. */
  readonly elementBytes: number;
  /** Number of elements, or of bytes if untyped. */
  readonly length: number;
  /** Offset in the storage stored under `key`, in elements. */
  readonly start: number;
  /** Content of a NumPy array, which is part of the pickle. */
  readonly bytes?: Uint8Array | undefined;
  /** Order of the bytes of an element; default: that of the file. */
  readonly bigEndian?: boolean | undefined;
}

/** A strided view of a storage: `element(i…) = storage[offset + Σ i·stride]`. */
export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage;
  readonly dtype: DType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A NumPy array: created empty, then filled by its state. */
export interface PickleArray {
  readonly kind: 'array';
  /** A tensor; the items of an array of objects; undefined for what is not read. */
  content?: PickleTensor | UnreadableTensor | PickleSequence<'list'> | undefined;
  /** Whether an array of objects has no axes, so that its only item stands for it. */
  isScalar?: boolean | undefined;
}

/**
 * A class, function or object of a class that is not understood: an inert description. Nothing of it is executed; its
 * attributes are kept, because modules keep tensors in them.
 */
export interface PickleOpaque {
  readonly kind: 'opaque';
  /** Name of the class or function, as in the file. */
  readonly className: string;
  /** Attributes. */
  readonly fields: Map<PickleKey, PickleValue>;
  /** Entries of a subclass of dict. */
  readonly entries: Map<PickleKey, PickleValue>;
  /** Items of a subclass of list or set, and of a deque. */
  readonly items: PickleValue[];
}

/** A tensor that is not stored as real numbers: complex, quantized, sparse, without storage. */
export interface UnreadableTensor {
  readonly kind: 'unreadable';
  /** Name of its element type or of the function that builds it. */
  readonly type: string;
  /** `[]` if unknown. */
  readonly shape: readonly number[];
}

/** Whether a value is one of the record kinds. */
export function isKind<Kind extends Extract<PickleValue, { kind: string }>['kind']>(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<PickleValue, { readonly kind: Kind }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** Creates a list, tuple or set with these items. */
export function sequence(kind: 'list' | 'tuple' | 'set', items: PickleValue[]): PickleValue {
  return { kind, items };
}

/** Creates an empty dict. */
export function emptyDict(): PickleDict {
  return { kind: 'dict', entries: new Map() };
}

/** Creates the description of a class, function or object that is not understood. */
export function opaque(className: string): PickleOpaque {
  return { kind: 'opaque', className, fields: new Map(), entries: new Map(), items: [] };
}

/** Describes a value in a few words, for messages. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value !== 'object') return `${typeof value} ${printable(String(value).slice(0, 40))}`;
  if (value.kind === 'global') return value.name;
  if (value.kind === 'object') return value.className;
  if (value.kind === 'opaque') return printable(value.className);
  if (value.kind === 'array') return 'numpy.ndarray';
  return value.kind === 'unreadable' ? `a tensor of ${printable(value.type)}` : `a ${value.kind}`;
}
