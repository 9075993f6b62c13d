import * as tf from '../tfjs.js';
import { ConfigError } from '../../core/errors.js';
import type { OnnxGraph, OnnxType } from '../onnx/graph.js';
import { CAPTURE, type CaptureBackend } from './backend.js';
import { GraphBuilder, type Lowering } from './graph-builder.js';
import { ensureCaptureBackend } from './register.js';
import { layerScope } from './scope.js';

/** Input or output of a graph. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32' | 'bool';
}

/** Request for a capture. */
interface CaptureRequest {
  readonly name: string;
  readonly lowering: Lowering;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Computes the outputs; called once, synchronously. Everything that may change between runs must be an input. */
  readonly body: (
    inputs: Readonly<Record<string, tf.Tensor>>,
  ) => Readonly<Record<string, tf.Tensor>>;
  /** Values of inputs to store in the graph as constants. */
  readonly frozen?: ReadonlyMap<string, Float32Array> | undefined;
  /** Constants computed from these; graphs for other sizes share them. */
  readonly folded?: Map<string, Float32Array> | undefined;
}

/**
 * Traces tfjs code: runs it once and records its operations as a graph. Works inside any `tf.tidy` or gradient function
 * on any backend: tfjs's backend, scopes and tape are saved and restored, also after a throw.
 *
 * @throws ConfigError if a kernel has no ONNX form, or a value is read during capture
 */
export function captureGraph(request: CaptureRequest): OnnxGraph {
  const backend = ensureCaptureBackend();
  const hasConstantWeights = (request.frozen?.size ?? 0) > 0;
  const graph = new GraphBuilder(request.lowering, layerScope, hasConstantWeights);
  return isolated(() => {
    let captured: OnnxGraph | undefined;
    backend.during(graph, () =>
      tf.tidy(() => {
        const inputs = mapValues(request.inputs, (spec, name) =>
          symbolicTensor(backend, graph, name, spec),
        );
        const results = request.body(inputs);
        const outputs = mapValues(results, (tensor) => backend.value(tensor));
        captured = graph.finish(request.name, outputs, request.frozen, request.folded);
        Object.values(results).forEach((tensor) => tensor.dispose()); // `tf.keep` would let them outlive the tidy
      }),
    );
    return captured as OnnxGraph;
  });
}

function symbolicTensor(
  backend: CaptureBackend,
  graph: GraphBuilder,
  name: string,
  spec: TensorSpec,
): tf.Tensor {
  const value = graph.input(name, spec.shape, spec.type satisfies OnnxType);
  return tf.engine().makeTensorFromTensorInfo(backend.tensorInfo(value), backend);
}

/** Runs `body` on the capture backend while tfjs's engine state is saved. */
function isolated<T>(body: () => T): T {
  const engine = tf.engine();
  const { state } = engine;
  // Private API: no public function returns to "no backend chosen yet" or to a backend that is still starting.
  const backend = Object.fromEntries(
    ['backendName', 'backendInstance', 'pendingBackendInit', 'profiler'].map((name) => [
      name,
      Reflect.get(engine, name) as unknown,
    ]),
  );
  const { activeTape, gradientDepth, kernelDepth, activeScope, scopeStack, numDataMovesStack } =
    state;
  try {
    Object.assign(state, {
      activeTape: [],
      gradientDepth: 0,
      kernelDepth: 0,
      activeScope: null,
      scopeStack: [],
      numDataMovesStack: [],
    });
    Object.assign(engine, { pendingBackendInit: null });
    // The backend exists already, so it is switched before the promise is returned.
    void tf.setBackend(CAPTURE);
    if (engine.backendName !== CAPTURE)
      throw new ConfigError('capture: expected tfjs to switch backends at once');
    return body();
  } finally {
    Object.assign(engine, backend);
    Object.assign(state, {
      activeTape,
      gradientDepth,
      kernelDepth,
      activeScope,
      scopeStack,
      numDataMovesStack,
    });
  }
}

/** Maps the values of a record. */
function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  f: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]));
}
