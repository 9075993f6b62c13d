import { foldWeights } from '../../engine/onnx/fold-weights.js';
import type { OnnxGraph } from '../../engine/onnx/graph.js';
import { atOpset } from '../../engine/onnx/opset.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Program } from '../../engine/runtime/program.js';
import { networkGraph, type NetworkGraph, type NetworkInputs } from './portable-graph.js';

/** Changes the precision of a network. @param part name of the network in the file */
export type Precision = (graph: OnnxGraph, part: string) => OnnxGraph;

/** Networks of an exported file with their weights, in the file's opset and precision. */
export interface NetworkParts {
  /** @throws ExportError for a network whose shapes do not follow from the size of the image */
  network(part: string, program: Program, inputs: NetworkInputs): NetworkGraph;
}

/** Creates the networks of a file. Numbers of proposals and boxes stay in single precision. */
export function networkParts(
  store: ParameterStore,
  opset: number,
  precision: Precision = (graph) => graph,
): NetworkParts {
  return {
    network: (part, program, inputs) => {
      const traced = networkGraph(program, store, inputs);
      return { ...traced, graph: precision(foldWeights(atOpset(traced.graph, opset)), part) };
    },
  };
}
