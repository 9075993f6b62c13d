/** The subset of ONNX that this library writes: a graph of nodes over named tensors. */

/** ONNX's numbers of the element types in use. */
export const ONNX_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

/** Name of an element type. */
export type OnnxType = keyof typeof ONNX_TYPE;

/** A named tensor of a graph. */
export interface OnnxValue {
  readonly name: string;
  /** Sizes; −1 for any, in graphs that several sizes share. */
  readonly shape: readonly number[];
  readonly type: OnnxType;
  /** Names of the sizes that may be any, by axis: equal names mean equal sizes. */
  readonly axes?: readonly (string | undefined)[] | undefined;
}

/** A tensor stored in the model. */
export interface OnnxInitializer extends OnnxValue {
  readonly data:
    | Float32Array
    | Float64Array
    | Int32Array
    | BigInt64Array
    | Uint8Array
    | Int8Array
    /** Bits of half-precision values. */
    | Uint16Array;
}

/** Node attribute: integers and their lists are int64, numbers marked `float` are float32. */
export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string };

/** One operation. An empty input name marks an optional input that is absent. */
export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** `''` for standard ONNX, else e.g. `com.microsoft`. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A complete graph. `nodes` are in a valid order of execution. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
  /** Results of the nodes, if their shapes are known. */
  readonly values?: readonly OnnxValue[] | undefined;
  /** Opset version of every domain in use. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Texts by key that travel with the file (`metadata_props`). */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Integer attribute. */
export const int = (value: number): OnnxAttribute => ({ kind: 'int', value });
/** Integer list attribute. */
export const ints = (value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value });
/** Float attribute. */
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value });
/** String attribute. */
export const string = (value: string): OnnxAttribute => ({ kind: 'string', value });
