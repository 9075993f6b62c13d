import type { OnnxNode } from '../onnx/graph.js';
import { BLOCKED_DOMAIN } from './blocked-layout.js';

/**
 * Turns blocked convolutions that add a value into plain additions where the convolution's result without the addend is
 * needed as well, so that nothing is computed twice.
 *
 * @param nodes in a valid order of execution
 */
export function withoutRepeatedSums(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const alone = new Map<string, string>();
  for (const node of nodes)
    if (isConv(node) && !hasSum(node)) alone.set(keyOf(node), node.outputs[0]);
  return nodes.map((node) => {
    const result = isConv(node) && hasSum(node) ? alone.get(keyOf(node)) : undefined;
    if (result === undefined) return node;
    return { ...node, op: 'Add', domain: '', inputs: [result, node.inputs[3]], attributes: {} };
  });
}

const isConv = ({ op, domain }: OnnxNode): boolean => op === 'Conv' && domain === BLOCKED_DOMAIN;

const hasSum = ({ inputs }: OnnxNode): boolean => inputs.length === 4;

/** Key of a convolution by its operands: the same with and without an addend. */
function keyOf({ inputs, attributes }: OnnxNode): string {
  const [x, weight, bias = ''] = inputs;
  return JSON.stringify([x, weight, bias, attributes]);
}
