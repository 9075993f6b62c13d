import { BLOCKED_DOMAIN } from '../capture/blocked-layout.js';
import {
  int,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxValue,
} from './graph.js';

/** Operations that ONNX Runtime can compute in place of an operand of the same size. */
const IN_PLACE = new Set([
  ...['Add', 'Sub', 'Mul', 'Div'],
  ...['Relu', 'Exp', 'Log', 'Erf', 'Sqrt', 'Reciprocal', 'Neg', 'Sigmoid', 'Tanh'],
]);

/** Operations whose second operand is the shape of the result. */
const RESHAPING = new Set(['Reshape', 'Expand']);

/** Prefix of the names that are added to a graph. */
const HIDDEN = 'hidden:';

/**
 * Hides the sizes of a graph's results from ONNX Runtime. It plans memory by the sizes that it knows: a result takes the
 * buffer of an earlier one of the same size that nothing needs any more, and this buffer stays allocated in between. In a
 * training step there are thousands of nodes between both, and the plan takes a third more than what is alive. Results of
 * unknown sizes are allocated and freed one by one. What can be computed in place still is: such a result has the names of
 * its operand's sizes.
 *
 * @param input name of an input of rank 1 or more, not a weight
 * @returns a graph that computes the same bits
 */
export function withHiddenSizes(graph: OnnxGraph, input: string): OnnxGraph {
  const { values = [] } = graph;
  const buffers = sharedBuffers(graph);
  const shapes = shapesAtRunTime(graph, input);
  return {
    ...graph,
    nodes: [
      ...shapes.nodes,
      ...graph.nodes.map((node): OnnxNode => {
        const [x, shape] = node.inputs;
        const name = RESHAPING.has(node.op) ? shapes.names.get(shape) : undefined;
        return name === undefined ? node : { ...node, inputs: [x, name] };
      }),
    ],
    inputs: graph.inputs.map((value) =>
      value.name === input ? { ...value, shape: unknown(value.shape) } : value,
    ),
    initializers: shapes.initializers,
    values: values.map((value): OnnxValue => {
      const { name, shape } = value;
      const buffer = buffers.get(name) ?? name;
      return { ...value, shape: unknown(shape), axes: shape.map((_, axis) => `${buffer}:${axis}`) };
    }),
  };
}

/** Of every result: the one whose buffer it takes, because it is computed in place, or itself. */
function sharedBuffers({ nodes, values = [] }: OnnxGraph): ReadonlyMap<string, string> {
  // Sizes that several graphs share may be equal in one of them only.
  const known = values.filter(({ shape }) => !shape.includes(-1));
  const sizes = new Map(known.map(({ name, shape, type }) => [name, `${type}[${shape.join()}]`]));
  const lastReader = new Map(nodes.flatMap((node) => node.inputs.map((name) => [name, node])));
  const buffers = new Map<string, string>();
  for (const node of nodes) {
    const [output] = node.outputs;
    const size = sizes.get(output);
    const operand = operandsInPlace(node).find(
      (name) =>
        size !== undefined &&
        buffers.has(name) &&
        sizes.get(name) === size &&
        lastReader.get(name) === node,
    );
    for (const name of node.outputs) buffers.set(name, name);
    if (operand !== undefined) buffers.set(output, buffers.get(operand) ?? operand);
  }
  return buffers;
}

/** Operands that a node could overwrite; a blocked convolution overwrites its addend. */
function operandsInPlace({ op, domain, inputs }: OnnxNode): readonly string[] {
  if (op === 'Conv' && domain === BLOCKED_DOMAIN) return inputs.slice(3);
  return IN_PLACE.has(op) ? inputs : [];
}

/**
 * Nodes that compute the constant shapes in every run: all in one vector, to which the size of an input times zero is
 * added, so that ONNX Runtime cannot tell what they are.
 */
function shapesAtRunTime(
  { nodes, initializers }: OnnxGraph,
  input: string,
): {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  /** New names by old ones. */
  readonly names: ReadonlyMap<string, string>;
} {
  const isRead = new Set(nodes.flatMap(({ op, inputs }) => (RESHAPING.has(op) ? inputs[1] : [])));
  const isReadElsewhere = new Set(
    nodes.flatMap(({ op, inputs }) => inputs.filter((_, i) => i !== 1 || !RESHAPING.has(op))),
  );
  const shapes = initializers.filter(({ name, data }) => isRead.has(name) && data.length > 0);
  if (shapes.length === 0) return { nodes: [], initializers, names: new Map() };
  const names = new Map(shapes.map(({ name }) => [name, `${HIDDEN}${name}`]));
  const constant = (name: string, data: BigInt64Array): OnnxInitializer => ({
    name: `${HIDDEN}${name}`,
    shape: [data.length],
    type: 'int64',
    data,
  });
  const node = (
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    name: `${HIDDEN}${op}`,
    op,
    domain: '',
    inputs,
    outputs,
    attributes,
  });
  const own = (name: string): string => `${HIDDEN}${name}`;
  return {
    names,
    nodes: [
      node('Shape', [input], [own('size')], { start: int(0), end: int(1) }),
      node('Mul', [own('size'), own('zero')], [own('nothing')]),
      node('Add', [own('shapes'), own('nothing')], [own('sizes')]),
      node('Split', [own('sizes'), own('ranks')], [...names.values()], { axis: int(0) }),
    ],
    initializers: [
      ...initializers.filter(({ name }) => !names.has(name) || isReadElsewhere.has(name)),
      constant('zero', BigInt64Array.of(0n)),
      constant(
        'shapes',
        BigInt64Array.from(shapes.flatMap(({ data }) => [...(data as BigInt64Array)])),
      ),
      constant(
        'ranks',
        BigInt64Array.from(shapes, ({ data }) => BigInt(data.length)),
      ),
    ],
  };
}

const unknown = (shape: readonly number[]): number[] => shape.map(() => -1);
