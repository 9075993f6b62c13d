import type { Size } from '../../core/boxes.js';
import { encodeModel } from '../../engine/onnx/encode-model.js';
import type { OnnxGraph, OnnxValue } from '../../engine/onnx/graph.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Program } from '../../engine/runtime/program.js';
import { detectorGraph, type DetectorExport } from './detector-graph.js';
import { portableGraph } from './portable-graph.js';

/** A model that can be exported. */
type ExportableModel =
  | {
      /** Output `logits`: of a classifier `[N, K]`, of a segmenter `[N, H/4, W/4, K]`. */
      readonly kind: 'classify' | 'segment';
      readonly model: { readonly inference: Program };
      readonly store: ParameterStore;
      readonly batch: number;
      /** Of the input, in pixels. */
      readonly size: Size;
    }
  /** See {@link detectorGraph}. */
  | ({ readonly kind: 'detect' } & DetectorExport);

/** An ONNX model in memory. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  /** Opset version of the standard operators, the only ones used. */
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly numNodes: number;
}

/**
 * Exports a model to ONNX: standard operators only, weights included, fixed shapes, images `[N, H, W, 3]` normalized as
 * in training.
 *
 * @throws InputError above protobuf's limit of 2 GiB; ConfigError for what ONNX cannot express
 */
export function exportModel(model: ExportableModel): ExportedModel {
  const graph = model.kind === 'detect' ? detectorGraph(model) : logitsGraph(model);
  return {
    bytes: encodeModel(graph),
    opset: graph.opsets[''],
    inputs: graph.inputs,
    outputs: graph.outputs,
    numNodes: graph.nodes.length,
  };
}

function logitsGraph({
  model,
  store,
  batch,
  size: { width, height },
}: Exclude<ExportableModel, { readonly kind: 'detect' }>): OnnxGraph {
  const image = { shape: [batch, height, width, 3], type: 'float32' } as const;
  return portableGraph(model.inference, store, { image });
}
