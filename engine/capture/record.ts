import type { OnnxInitializer, OnnxType, OnnxValue } from '../onnx/graph.js';
import type { MapShape } from './blocked-layout.js';

/**
 * Data of a tensor in the capture backend. The shape of the tensor may differ from the record's: reshaped tensors share
 * the data, and a broadcast is kept as its small source until a kernel needs all elements.
 */
export type CaptureRecord =
  | { readonly kind: 'value'; readonly value: OnnxValue; readonly broadcastTo?: readonly number[] }
  | { readonly kind: 'constant'; readonly data: OnnxInitializer['data']; readonly type: OnnxType }
  | { readonly kind: 'uniform'; readonly fill: number; readonly type: OnnxType }
  | BlockedRecord
  | LanesRecord;

/**
 * Feature map in the blocked layout, `[N, Cp, H, W]`. Kernels that need the plain layout get it from
 * `CaptureBackend.value`, which converts it once.
 */
export interface BlockedRecord {
  readonly kind: 'blocked';
  readonly value: OnnxValue;
  /** Shape of the map, `[N, H, W, C]`. */
  readonly map: MapShape;
}

/** One value for each position of a map, repeated over the channels of one block: it broadcasts over all blocks as they are stored. */
export interface LanesRecord {
  readonly kind: 'lanes';
  /** `[N, B, H, W]`, blocked. */
  readonly value: OnnxValue;
}

/** ONNX type of a tfjs dtype. */
export function onnxType(dtype: string): OnnxType | undefined {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool' ? dtype : undefined;
}
