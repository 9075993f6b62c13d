import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { captureGraph, type TensorSpec } from '../../engine/capture/capture.js';
import { GraphFamily, sizedGraph } from '../../engine/onnx/graph-family.js';
import type { OnnxGraph, OnnxInitializer } from '../../engine/onnx/graph.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { evaluate, type Program } from '../../engine/runtime/program.js';
import type { GraphComposer, ValueName } from './graph-composer.js';
import { matrixNodes, type TracedMatrix } from './matrix-nodes.js';
import { SizeExpressions, TRACES, type SizeValues, type Traces } from './size-expressions.js';

type Specs = Readonly<Record<string, TensorSpec>>;

/** Captures a program as a graph of standard ONNX operators with its weights. */
function portableGraph(program: Program, store: ParameterStore, inputs: Specs): OnnxGraph {
  const parameters = Object.fromEntries(
    store.entries.map(({ path, spec }): [string, TensorSpec] => [
      path,
      { shape: spec.shape, type: 'float32' },
    ]),
  );
  return captureGraph({
    name: program.name,
    lowering: { kind: 'portable', stored: true },
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

/** A network, or a part of one, for inputs of any size. */
export interface NetworkGraph {
  readonly graph: OnnxGraph;
  /** Shapes and other constants that depend on the sizes; inputs of the graph, with their values by trace. */
  readonly constants: ReadonlyMap<string, readonly OnnxInitializer[]>;
  readonly traces: Traces;
}

/** Inputs of a network: kinds of images `[N, H, W, 3]`, or rows of these shapes. */
export type NetworkInputs =
  Exclude<keyof typeof TRACES, 'rows'> | Readonly<Record<string, readonly number[]>>;

/** Kind of the images of a network with this backbone. */
export const inputsOf = ({
  backbone,
}: {
  readonly backbone: ConvNeXtV2Config;
}): 'images' | 'overlapping images' =>
  backbone.stem === undefined ? 'images' : 'overlapping images';

/**
 * Traces a program at several sizes, and derives from them how its shapes depend on the sizes of the input.
 *
 * @throws ExportError if they depend on them otherwise than by lengths of maps
 */
export function networkGraph(
  program: Program,
  store: ParameterStore,
  inputs: NetworkInputs,
): NetworkGraph {
  const traces: Traces = TRACES[typeof inputs === 'string' ? inputs : 'rows'];
  const members = traces.sizes.map(({ batch, height, width }) => {
    const shapes =
      typeof inputs === 'string'
        ? { image: [batch, height, width, 3] }
        : Object.fromEntries(
            Object.entries(inputs).map(([name, shape]) => [name, [batch, ...shape]]),
          );
    const specs = Object.entries(shapes).map(([name, shape]): [string, TensorSpec] => [
      name,
      { shape, type: 'float32' },
    ]);
    return sizedGraph(portableGraph(program, store, Object.fromEntries(specs)));
  });
  const family = new GraphFamily(members[0]);
  for (const member of members.slice(1)) family.add(member);
  const values = members.map(({ constants }) => family.inputsOf(constants));
  const names = [...values[0].keys()];
  return {
    graph: family.graph,
    constants: new Map(names.map((name) => [name, values.map((member) => member.get(name)!)])),
    traces,
  };
}

/** Values that a network is inserted with. */
interface Placement {
  /** Prefix of the names of its nodes. */
  readonly prefix: string;
  readonly inputs: Readonly<Record<string, ValueName>>;
  readonly sizes: SizeValues;
}

/** Inserts a network into a graph, with nodes that compute what depends on the sizes. @returns its outputs by name */
export function placeNetwork(
  g: GraphComposer,
  { graph, constants, traces }: NetworkGraph,
  { prefix, inputs, sizes }: Placement,
): Readonly<Record<string, ValueName>> {
  const expressions = new SizeExpressions(g, traces, sizes);
  const vector = (members: readonly (readonly number[])[]): ValueName =>
    expressions.vector(members);
  const given = [...constants].map(([name, members]): [string, ValueName] => {
    const [{ type }] = members;
    if (type === 'int64')
      return [name, vector(members.map(({ data }) => Array.from(data as BigInt64Array, Number)))];
    return [name, matrixNodes(g, members as readonly TracedMatrix[], vector)];
  });
  return g.inline(graph, prefix, { ...inputs, ...Object.fromEntries(given) });
}
