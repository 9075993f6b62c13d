import type { OnnxInitializer, OnnxType, OnnxValue } from '../onnx/graph.js';

/**
 * What the capture backend holds for the data of a tensor. The tensor's own shape may differ from the record's: reshapes
 * share the data, and broadcasts are kept as their small source until somebody needs all elements.
 */
export type CaptureRecord =
  | { readonly kind: 'value'; readonly value: OnnxValue; readonly broadcastTo?: readonly number[] }
  | { readonly kind: 'constant'; readonly data: OnnxInitializer['data']; readonly type: OnnxType }
  | { readonly kind: 'uniform'; readonly fill: number; readonly type: OnnxType };

/** ONNX type of a tfjs dtype. */
export function onnxType(dtype: string): OnnxType | undefined {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool' ? dtype : undefined;
}
