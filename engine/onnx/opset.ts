import { ConfigError } from '../../core/errors.js';
import { ints, type OnnxGraph, type OnnxInitializer, type OnnxNode } from './graph.js';

/** Opsets that graphs can be written for. 17 is the first with layer normalization. */
export const OPSETS = [17, 18, 19, 20, 21] as const;

/** Opset that graphs can be written for. */
export type Opset = (typeof OPSETS)[number];

/** Reductions whose axes are an attribute before opset 18 and an input from then on. */
const REDUCTIONS = new Set(['ReduceMax', 'ReduceMin', 'ReduceMean', 'ReduceProd']);

/**
 * Rewrites a graph of opset 20 for another opset. Later versions of the operators in use only take more types; earlier ones
 * have the axes of reductions and the number of parts of a split elsewhere, and no Gelu.
 *
 * @throws ConfigError for another opset
 */
export function atOpset(graph: OnnxGraph, opset: number): OnnxGraph {
  if (!(OPSETS as readonly number[]).includes(opset))
    throw new ConfigError(`opset: expected one of ${OPSETS.join(', ')}, got ${opset}`, {
      flags: { opset: '--opset' },
    });
  const added: OnnxInitializer[] = [];
  const constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  const nodes = graph.nodes.flatMap((node): readonly OnnxNode[] => {
    if (node.domain !== '') return [node];
    if (opset < 20 && node.op === 'Gelu') return gelu(node, added);
    if (opset < 18 && node.op === 'Split') return [withoutAttribute(node, 'num_outputs')];
    if (opset < 18 && REDUCTIONS.has(node.op)) return [withAxesAttribute(node, constants)];
    return [node];
  });
  return {
    ...graph,
    nodes,
    initializers: [...graph.initializers, ...added],
    opsets: { ...graph.opsets, '': opset },
  };
}

function withoutAttribute(node: OnnxNode, name: string): OnnxNode {
  const { [name]: _, ...attributes } = node.attributes;
  return { ...node, attributes };
}

function withAxesAttribute(
  node: OnnxNode,
  constants: ReadonlyMap<string, OnnxInitializer>,
): OnnxNode {
  const [x, axes] = node.inputs;
  if (axes === undefined) return node;
  const values = Array.from(constants.get(axes)?.data as ArrayLike<bigint>, Number);
  return { ...node, inputs: [x], attributes: { ...node.attributes, axes: ints(values) } };
}

/** Nodes of `½ x (1 + erf(x / √2))`. */
function gelu(node: OnnxNode, added: OnnxInitializer[]): readonly OnnxNode[] {
  const [x] = node.inputs;
  const scalar = (name: string, value: number): string => {
    const initializer = `gelu/${name}`;
    if (!added.some((constant) => constant.name === initializer))
      added.push({ name: initializer, shape: [], type: 'float32', data: Float32Array.of(value) });
    return initializer;
  };
  const step = (op: string, inputs: readonly string[], end?: string): OnnxNode => {
    const name = `${node.name}/${op}${end === undefined ? '' : '_last'}`;
    return { name, op, domain: '', inputs, outputs: [end ?? `${name}:0`], attributes: {} };
  };
  const scaled = step('Mul', [x, scalar('root_half', Math.SQRT1_2)]);
  const erf = step('Erf', scaled.outputs);
  const sum = step('Add', [erf.outputs[0], scalar('one', 1)]);
  const half = { ...step('Mul', [x, scalar('half', 0.5)]), name: `${node.name}/half` };
  const halved = { ...half, outputs: [`${node.name}/half:0`] };
  return [
    scaled,
    erf,
    sum,
    halved,
    step('Mul', [halved.outputs[0], sum.outputs[0]], node.outputs[0]),
  ];
}
