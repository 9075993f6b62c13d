import { expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureGraph } from '../../../engine/capture/capture.js';
import { encodeModel } from '../../../engine/onnx/encode-model.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import { withHiddenSizes } from '../../../engine/onnx/hidden-sizes.js';
import { DEFAULT_SESSION_OPTIONS, openSession } from '../../../engine/runtime/onnx-runtime.js';
import { targetOf } from '../runtime/small-model.js';

const { runtime } = await targetOf();

/** Graph of a function of `x` `[2, 3, 4]`. */
const graphOf = (body: (x: tf.Tensor) => tf.Tensor): OnnxGraph =>
  captureGraph({
    name: 'test',
    lowering: { kind: 'portable' },
    inputs: { x: { shape: [2, 3, 4], type: 'float32' } },
    body: ({ x }) => ({ y: body(x) }),
  });

async function run(graph: OnnxGraph): Promise<{ dims: readonly number[]; bits: number[] }> {
  const session = await openSession(runtime, encodeModel(graph), DEFAULT_SESSION_OPTIONS);
  const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i + 1));
  const { y } = await session.run({ x: new runtime.ort.Tensor('float32', data, [2, 3, 4]) });
  const bits = [...new Int32Array((y.data as Float32Array).slice().buffer)];
  await session.release();
  return { dims: y.dims, bits };
}

/** Names of the sizes of the result of a node with this operation. */
function axesOf({ nodes, values = [] }: OnnxGraph, op: string): readonly (string | undefined)[] {
  const node = nodes.findLast((one) => one.op === op);
  return values.find(({ name }) => name === node?.outputs[0])?.axes ?? [];
}

test('the same bits are computed with shapes of several ranks, and one that is broadcast', async () => {
  const graph = graphOf(
    (x) =>
    x.reshape([6, 4]).matMul(tf.ones([4, 5])).reshape([2, 3, 5]).exp().add(tf.broadcastTo(x.mean(), [2, 3, 5])).reshape([-1]).square(), // prettier-ignore
  );
  expect(await run(withHiddenSizes(graph, 'x'))).toEqual(await run(graph));
});

test('no shape is a constant, and no result has a known size', () => {
  const graph = withHiddenSizes(
    graphOf((x) => x.reshape([6, 4]).exp().reshape([4, 6]).square()),
    'x',
  );
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const reshapes = graph.nodes.filter(({ op }) => op === 'Reshape');
  expect(reshapes).toHaveLength(2);
  for (const { inputs } of reshapes) expect(constants.has(inputs[1])).toBe(false);
  expect(graph.inputs[0].shape).toEqual([-1, -1, -1]);
  for (const { shape } of graph.values ?? []) expect(shape.every((size) => size === -1)).toBe(true);
});

test('a result has the sizes of the operand that it may overwrite, and others their own', () => {
  const graph = withHiddenSizes(
    graphOf((x) => {
      const read = x.exp(); // twice, last by the sum
      return read.sqrt().tanh().add(read).sum(0, true);
    }),
    'x',
  );
  const [exp, sqrt, tanh, add] = ['Exp', 'Sqrt', 'Tanh', 'Add'].map((op) => axesOf(graph, op));
  expect(exp).toHaveLength(3);
  expect(new Set(exp).size).toBe(3);
  expect(sqrt).not.toEqual(exp);
  expect(tanh).toEqual(sqrt);
  expect(add).toEqual(sqrt);
  expect(axesOf(graph, 'ReduceSum')).not.toEqual(sqrt);
});
