import { encodeModel } from '../../engine/onnx/encode-model.js';
import type { OnnxGraph, OnnxValue } from '../../engine/onnx/graph.js';
import { atOpset } from '../../engine/onnx/opset.js';
import type { LoadedModel, LoadedOf } from '../model.js';
import { classifierGraph } from './classifier-graph.js';
import {
  contractMetadata,
  exportContract,
  weightsIdentity,
  type ExportContract,
  type ExportPrecision,
} from './contract.js';
import { detectorGraph } from './detector-graph.js';
import type { ExportFormat } from './format.js';
import { networkParts, type Precision } from './network-parts.js';
import { segmenterGraph } from './segmenter-graph.js';

/** Precision of a file and how its networks get it. */
interface FilePrecision {
  readonly name: ExportPrecision;
  /** Default: as they are, in single precision. */
  readonly change?: Precision | undefined;
}

/** Model and format of an export. */
export interface ExportRequest {
  readonly loaded: Omit<LoadedModel, 'file' | 'ema'>;
  readonly format: ExportFormat;
  readonly precision?: FilePrecision | undefined;
  /** License of the weights, for the contract. */
  readonly license?: string | undefined;
}

/** An ONNX model in memory. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  /** Opset version of the standard operators, the only ones used. */
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly numNodes: number;
  readonly contract: ExportContract;
}

/**
 * Exports a model to ONNX: standard operators only, weights and contract included.
 *
 * @throws InputError above protobuf's limit of 2 GiB; ConfigError for what ONNX cannot express
 */
export function exportModel(request: ExportRequest): ExportedModel {
  const { loaded, format, precision = { name: 'fp32' } } = request;
  const graph = exportGraph(loaded as LoadedModel, format, precision.change);
  const contract = exportContract(graph, {
    card: loaded.card,
    format,
    precision: precision.name,
    license: request.license,
    weights: weightsIdentity(loaded.store),
  });
  return {
    bytes: encodeModel({ ...graph, metadata: contractMetadata(contract) }),
    opset: graph.opsets[''],
    inputs: graph.inputs,
    outputs: graph.outputs,
    numNodes: graph.nodes.length,
    contract,
  };
}

/** Builds the graph of a model with its weights. @throws ConfigError for what ONNX cannot express */
export function exportGraph(
  loaded: LoadedModel,
  format: ExportFormat,
  precision?: Precision,
): OnnxGraph {
  return atOpset(graphOf(loaded, format, precision), format.opset);
}

function graphOf(
  loaded: LoadedModel,
  format: ExportFormat,
  precision: Precision | undefined,
): OnnxGraph {
  const parts = networkParts(loaded.store, format.opset, precision);
  const { task } = loaded.card;
  switch (task) {
    case 'classify':
      return classifierGraph(loaded as LoadedOf<'classify'>, format, parts);
    case 'segment':
      return segmenterGraph(loaded as LoadedOf<'segment'>, format, parts);
    case 'detect':
      return detectorGraph(loaded as LoadedOf<'detect'>, format, parts);
    default:
      return task satisfies never;
  }
}
