import { encodeModel } from '../../engine/onnx/encode-model.js';
import type { OnnxGraph, OnnxValue } from '../../engine/onnx/graph.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Classifier } from '../classifier.js';
import type { UperNet } from '../upernet.js';
import type { DetectorExport } from './detector-graph.js';
import { detectorGraph } from './detector-graph.js';
import { portableGraph } from './portable-graph.js';

/** Sides of an input, pixels. */
interface InputSize {
  readonly width: number;
  readonly height: number;
}

/** What can be exported. */
export type ExportableModel =
  | {
      /** Output `logits` `[N, K]`. */
      readonly kind: 'classify';
      readonly model: Pick<Classifier, 'inference'>;
      readonly store: ParameterStore;
      readonly batch: number;
      readonly size: InputSize;
    }
  | {
      /** Output `logits` `[N, H/4, W/4, K]`, of a quarter of the input's size. */
      readonly kind: 'segment';
      readonly model: Pick<UperNet, 'inference'>;
      readonly store: ParameterStore;
      readonly batch: number;
      readonly size: InputSize;
    }
  /** See {@link detectorGraph}. */
  | ({ readonly kind: 'detect' } & DetectorExport);

/** An ONNX file in memory. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  /** Version of the standard operators; there are no others. */
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly numNodes: number;
}

/**
 * A model as an ONNX file: standard operators only, weights inside, shapes fixed, images `[N, H, W, 3]` normalized as in training.
 *
 * @throws InputError above protobuf's limit of 2 GiB; ConfigError for what ONNX cannot express
 */
export function exportModel(model: ExportableModel): ExportedModel {
  const graph = graphOf(model);
  return {
    bytes: encodeModel(graph),
    opset: graph.opsets[''],
    inputs: graph.inputs,
    outputs: graph.outputs,
    numNodes: graph.nodes.length,
  };
}

function graphOf(request: ExportableModel): OnnxGraph {
  switch (request.kind) {
    case 'classify':
      return portableGraph(request.model.inference, request.store, imageInput(request));
    case 'segment':
      return portableGraph(request.model.inference, request.store, imageInput(request));
    case 'detect':
      return detectorGraph(request);
    default:
      return request satisfies never;
  }
}

function imageInput({ batch, size }: { readonly batch: number; readonly size: InputSize }): {
  readonly image: { readonly shape: readonly number[]; readonly type: 'float32' };
} {
  return { image: { shape: [batch, size.height, size.width, 3], type: 'float32' } };
}
