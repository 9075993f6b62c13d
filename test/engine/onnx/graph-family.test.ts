import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../../../core/errors.js';
import { captureGraph } from '../../../engine/capture/capture.js';
import { GraphFamily, resizedInputs, sizedGraph } from '../../../engine/onnx/graph-family.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';

/** Graph of a function of `x`. */
const graphOf = (
  shape: readonly number[],
  body: (x: tf.Tensor) => tf.Tensor = (x) => x.reshape([-1]).mul(2),
): OnnxGraph =>
  captureGraph({
    name: 'test',
    lowering: { kind: 'portable' },
    inputs: { x: { shape, type: 'float32' } },
    body: ({ x }) => ({ y: body(x) }),
  });

const sized = (...args: Parameters<typeof graphOf>) => sizedGraph(graphOf(...args));

describe('structure', () => {
  test('is equal for sizes, and differs for operations, attributes, ranks and connections', () => {
    const { structure } = sized([2, 3]);
    expect(sized([5, 7]).structure).toBe(structure);
    const others = [
      sized([2, 3], (x) => x.reshape([-1]).div(2)),
      sized([2, 3], (x) => x.mul(2)),
      sized([2, 3, 1]),
      sized([2, 3], (x) => x.reshape([-1]).mul(2).mul(2)),
    ];
    for (const other of others) expect(other.structure).not.toBe(structure);
    const [a, b] = [0, 1].map((axis) => sized([2, 3, 4], (x) => tf.concat([x, x.mul(2)], axis)));
    expect(a.structure).not.toBe(b.structure);
    const [c, d] = [sized([2], (x) => x.add(1).sub(x)), sized([2], (x) => x.sub(x.add(1)))];
    expect(c.structure).not.toBe(d.structure);
  });

  test('does not depend on the values of constants', () => {
    expect(sized([2, 3], (x) => x.mul(2)).structure).toBe(sized([2, 3], (x) => x.mul(3)).structure);
  });
});

describe('GraphFamily', () => {
  test('leaves a single graph as it is', () => {
    const graph = graphOf([2, 3]);
    const family = new GraphFamily(sizedGraph(graph));
    expect(family.graph).toBe(graph);
    expect(family.inputsOf(sizedGraph(graph).constants).size).toBe(0);
  });

  test('has unknown sizes, and shapes as inputs', () => {
    const [a, b] = [sized([2, 3]), sized([4, 5])];
    const family = new GraphFamily(a);
    expect(family.add(b)).toBe(true);
    const { inputs, outputs, initializers } = family.graph;
    expect(inputs.map(({ shape, type }) => [type, shape])).toEqual([
      ['float32', [-1, -1]],
      ['int64', [1]],
    ]);
    expect(outputs.map(({ shape }) => shape)).toEqual([[-1]]);
    expect(initializers.map(({ data }) => [...data])).toEqual([[2]]);
    const given = [a, b].map(({ constants }) =>
      [...family.inputsOf(constants).values()].map(({ data }) => [...data]),
    );
    expect(given).toEqual([[[6n]], [[20n]]]);
  });

  test('changes with the first other size only', () => {
    const family = new GraphFamily(sized([2, 3]));
    const sizes = [[2, 3], [4, 3], [4, 5], [3, 2], [9, 9]]; // prettier-ignore
    expect(sizes.map((shape) => family.add(sized(shape)))).toEqual([
      ...[false, true, false, false, false],
    ]);
  });

  test('is for other sizes at once if they are known', () => {
    const a = sized([2, 3]);
    const family = new GraphFamily(a, ['x']);
    expect(family.graph.inputs).toHaveLength(2);
    expect(family.add(sized([4, 5]))).toBe(false);
  });

  test('makes an input of a constant that differs, and keeps the others', () => {
    const of = (factor: number) => sized([2], (x) => x.mul(factor).add(7));
    const family = new GraphFamily(of(2));
    expect(family.add(of(2))).toBe(false);
    expect(family.add(of(3))).toBe(true);
    expect(family.add(of(4))).toBe(false);
    const values = family.inputsOf(of(4).constants);
    expect([...values.values()].map(({ data }) => [...data])).toEqual([[4]]);
    expect(family.graph.initializers.map(({ data }) => [...data])).toEqual([[7]]);
  });

  test('separates constants that were equal by chance', () => {
    const of = (a: number, b: number) => sized([2], (x) => x.mul(a).add(b));
    const family = new GraphFamily(of(2, 2));
    expect(family.add(of(3, 3))).toBe(true);
    expect(family.inputsOf(of(3, 3).constants).size).toBe(1);
    expect(family.add(of(4, 5))).toBe(true);
    const values = family.inputsOf(of(4, 5).constants);
    expect([...values.values()].map(({ data }) => data[0])).toEqual([4, 5]);
  });

  test('knows that a result without inputs has another size', () => {
    const of = (n: number) => sized([n], (x) => tf.concat([tf.zeros([n]), x.mul(0.5)], 0));
    const family = new GraphFamily(of(2));
    family.add(of(3));
    const { values = [] } = family.graph;
    expect(values.every(({ shape }) => shape.includes(-1))).toBe(true);
  });

  test('rejects another structure', () => {
    const family = new GraphFamily(sized([2, 3]));
    expect(() => family.add(sized([2, 3], (x) => x.relu()))).toThrow(ConfigError);
  });
});

test('resizedInputs names inputs of other shapes', () => {
  expect(resizedInputs(graphOf([2, 3]), graphOf([2, 3]))).toEqual([]);
  expect(resizedInputs(graphOf([2, 3]), graphOf([2, 4]))).toEqual(['x']);
});
