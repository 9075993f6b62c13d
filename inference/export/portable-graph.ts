import { captureGraph, type TensorSpec } from '../../engine/capture/capture.js';
import type { OnnxGraph } from '../../engine/onnx/graph.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { evaluate, type Program } from '../../engine/runtime/program.js';

/** Captures a program as a graph of standard ONNX operators with its weights. */
export function portableGraph(
  program: Program,
  store: ParameterStore,
  inputs: Readonly<Record<string, TensorSpec>>,
): OnnxGraph {
  const parameters = Object.fromEntries(
    store.entries.map(({ path, spec }): [string, TensorSpec] => [
      path,
      { shape: spec.shape, type: 'float32' },
    ]),
  );
  return captureGraph({
    name: program.name,
    lowering: { kind: 'portable' },
    inputs: { ...parameters, ...inputs },
    frozen: new Map(store.entries.map(({ path }) => [path, store.get(path)])),
    body: (tensors) =>
      evaluate(
        program,
        store,
        new Map(store.entries.map(({ path }) => [path, tensors[path]])),
        Object.fromEntries(Object.keys(inputs).map((name) => [name, tensors[name]])),
        undefined,
      ),
  });
}
