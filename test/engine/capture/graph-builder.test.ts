import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { GraphBuilder } from '../../../engine/capture/graph-builder.js';
import { encodeModel } from '../../../engine/onnx/encode-model.js';
import { int, type OnnxGraph, type OnnxValue } from '../../../engine/onnx/graph.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import { DEFAULT_SESSION_OPTIONS, openSession } from '../../../engine/runtime/onnx-runtime.js';

const builder = (): GraphBuilder => new GraphBuilder({ kind: 'portable' });
const input = (graph: GraphBuilder, name = 'x', shape = [2, 3]): OnnxValue =>
  graph.input(name, shape, 'float32');
const ops = ({ nodes }: OnnxGraph): string[] => nodes.map(({ op }) => op);

/** Runs a graph with one float input `x`. */
async function run(graph: OnnxGraph, x: readonly number[]): Promise<Record<string, number[]>> {
  const runtime = await loadOnnxRuntime();
  const session = await openSession(runtime, encodeModel(graph), DEFAULT_SESSION_OPTIONS);
  const feeds = graph.inputs.map(({ name, shape }) => [
    name,
    new runtime.ort.Tensor('float32', Float32Array.from(x), [...shape]),
  ]);
  const results = await session.run(Object.fromEntries(feeds) as Parameters<typeof session.run>[0]);
  const values = Object.entries(results).map(([name, { data }]) => [
    name,
    Array.from(data as Float32Array),
  ]);
  await session.release();
  return Object.fromEntries(values) as Record<string, number[]>;
}

describe('equal expressions are emitted once', () => {
  test('a repeated node is one value', () => {
    const graph = builder();
    const x = input(graph);
    const first = graph.node('Relu', [x], x.shape);
    expect(graph.node('Relu', [x], x.shape)).toBe(first);
    expect(graph.node('Neg', [x], x.shape)).not.toBe(first);
  });

  test('different attributes, operands or result types are different values', () => {
    const graph = builder();
    const [x, y] = [input(graph, 'x'), input(graph, 'y')];
    const names = [
      graph.node('Softmax', [x], x.shape, { axis: int(0) }),
      graph.node('Softmax', [x], x.shape, { axis: int(1) }),
      graph.node('Softmax', [y], x.shape, { axis: int(1) }),
      graph.node('Sub', [x, y], x.shape),
      graph.node('Sub', [y, x], x.shape),
      graph.node('Cast', [x], x.shape, { to: int(6) }, 'int32'),
      graph.contrib('com.microsoft', 'Softmax', [x], x.shape, { axis: int(0) }),
    ].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('equal constants are stored once, also large ones; other shapes, types and signs of zero differ', () => {
    const graph = builder();
    const large = (): Float32Array => Float32Array.from({ length: 1000 }, (_, i) => i);
    const same = graph.constant(large(), [1000], 'float32');
    expect(graph.constant(large(), [1000], 'float32')).toBe(same);
    const other = large();
    other[999] = -1;
    const names = [
      same,
      graph.constant(other, [1000], 'float32'),
      graph.constant(large(), [10, 100], 'float32'),
      graph.constant(Int32Array.from(large()), [1000], 'int32'),
      graph.scalar(0),
      graph.scalar(-0),
      graph.scalar(0, 'int32'),
      graph.scalar(0, 'bool'),
    ].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('nodes that no output needs are dropped', () => {
  test('nodes, inputs and constants', () => {
    const graph = builder();
    const [x, unused] = [input(graph), input(graph, 'unused')];
    graph.node('Mul', [unused, graph.scalar(3)], x.shape);
    const kept = graph.node('Add', [x, graph.scalar(2)], x.shape);
    graph.node('Exp', [kept], x.shape);
    const done = graph.finish('g', { y: kept });
    expect(ops(done)).toEqual(['Add']);
    expect(done.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(done.initializers.map(({ data }) => [...data])).toEqual([[2]]);
  });

  test('a node stays for its second output', () => {
    const graph = builder();
    const x = input(graph);
    const shape = { shape: [2], type: 'float32' } as const;
    const [, second] = graph.emit('TopK', { inputs: [x, graph.shapeConstant([1])], outputs: [shape, shape] }); // prettier-ignore
    const done = graph.finish('g', { y: second });
    expect(done.nodes[0].outputs).toEqual(['TopK', 'y']);
  });
});

describe('reshapes', () => {
  test('of reshapes are merged, and dropped if they restore the source', () => {
    const graph = builder();
    const x = input(graph);
    const flat = graph.reshape(x, [6]);
    const turned = graph.reshape(flat, [3, 2]);
    expect(graph.reshape(turned, [2, 3])).toBe(x);
    expect(graph.reshape(x, [2, 3])).toBe(x);
    expect(graph.reshape(graph.reshape(turned, [1, 6]), [6])).toBe(flat);
    const done = graph.finish('g', { y: turned });
    expect(ops(done)).toEqual(['Reshape']);
    expect(done.nodes[0].inputs[0]).toBe('x');
  });

  test('must keep the number of elements', () => {
    const graph = builder();
    const x = input(graph);
    expect(() => graph.reshape(x, [4])).toThrow(ConfigError);
    expect(() => graph.reshape(x, [4])).toThrow('reshape of x: expected 6 elements, got [4]');
  });

  test('a transpose that moves only axes of size 1 is a reshape, and the identity is dropped', () => {
    const graph = builder();
    const x = input(graph, 'x', [2, 1, 3]);
    expect(graph.transpose(x, [0, 1, 2])).toBe(x);
    const y = graph.transpose(x, [1, 0, 2]);
    expect(y.shape).toEqual([1, 2, 3]);
    const finished = graph.finish('g', { y, z: graph.transpose(x, [2, 1, 0]) });
    expect([...ops(finished)].sort()).toEqual(['Reshape', 'Transpose']);
  });
});

describe('outputs get the requested names', () => {
  test('a value takes its output’s name without a copy, also where other nodes use it', async () => {
    const graph = builder();
    const x = input(graph);
    const inner = graph.node('Relu', [x], x.shape);
    const done = graph.finish('g', { y: graph.node('Neg', [inner], x.shape), relu: inner });
    expect(ops(done)).toEqual(['Relu', 'Neg']);
    const { y, relu } = await run(done, [1, -2, 3, 4, 5, -6]);
    expect(relu).toEqual([1, 0, 3, 4, 5, 0]);
    expect(y.map((v) => v + 0)).toEqual([-1, 0, -3, -4, -5, 0]);
  });

  test('one value under two names, an input and a constant are copied', async () => {
    const graph = builder();
    const x = input(graph, 'x', [2]);
    const twice = graph.node('Add', [x, x], x.shape);
    const constant = graph.constant(Float32Array.of(7, 8), [2], 'float32');
    const done = graph.finish('g', { a: twice, b: twice, c: x, d: constant });
    expect(ops(done)).toEqual(['Add', 'Identity', 'Identity', 'Identity']);
    expect(await run(done, [1, 2])).toEqual({ a: [2, 4], b: [2, 4], c: [1, 2], d: [7, 8] });
  });

  test('outputs may take names that nodes and constants have', async () => {
    const graph = builder();
    const x = input(graph, 'x', [2]);
    const sum = graph.node('Add', [x, graph.scalar(1)], x.shape); // named Add, its constant const
    const product = graph.node('Mul', [sum, x], x.shape);
    const done = graph.finish('g', { Add: product, const: sum, Add_1: sum });
    expect(await run(done, [1, 2])).toEqual({ Add: [2, 6], const: [2, 3], Add_1: [2, 3] });
  });

  test('inputs may be named like operations or constants', async () => {
    const graph = builder();
    const x = input(graph, 'const', [2]);
    const y = input(graph, 'Add', [2]);
    const sum = graph.node('Add', [x, y], [2]);
    const done = graph.finish('g', { y: graph.node('Mul', [sum, graph.scalar(10)], [2]) });
    expect(await run(done, [1, 2])).toEqual({ y: [20, 40] });
  });

  test('an output may not be named like an input', () => {
    const graph = builder();
    const x = input(graph);
    expect(() => graph.finish('g', { x: graph.node('Neg', [x], x.shape) })).toThrow(ConfigError);
  });
});

describe('names', () => {
  test('begin with the current layer, and are unique', () => {
    const scope = { current: 'stages.0' };
    const graph = new GraphBuilder({ kind: 'portable' }, () => scope.current);
    const x = input(graph);
    const first = graph.node('Relu', [x], x.shape);
    const second = graph.node('Relu', [first], x.shape);
    scope.current = '';
    const third = graph.node('Relu', [second], x.shape);
    expect([first, second, third].map(({ name }) => name)).toEqual([
      'stages.0/Relu',
      'stages.0/Relu_1',
      'Relu',
    ]);
  });
});

test('frozen inputs become initializers, with the same results', async () => {
  const graph = builder();
  const [x, weight] = [input(graph, 'x', [2]), input(graph, 'weight', [2])];
  const y = graph.node('Mul', [x, weight], [2]);
  const free = graph.finish('g', { y });
  const frozen = graph.finish('g', { y }, new Map([['weight', Float32Array.of(3, 4)]]));
  expect(free.inputs.map(({ name }) => name)).toEqual(['x', 'weight']);
  expect(frozen.inputs.map(({ name }) => name)).toEqual(['x']);
  expect(frozen.initializers.map(({ name, data }) => [name, ...data])).toEqual([['weight', 3, 4]]);
  expect(await run(frozen, [10, 100])).toEqual({ y: [30, 400] });
});

test('only the domains in use are declared', () => {
  const graph = builder();
  const x = input(graph);
  const plain = graph.node('Relu', [x], x.shape);
  const own = graph.contrib('com.microsoft', 'FusedMatMul', [x, x], [2, 2], { transB: int(1) });
  expect(Object.keys(graph.finish('g', { y: plain }).opsets)).toEqual(['']);
  expect(Object.keys(graph.finish('g', { y: own }).opsets)).toEqual(['', 'com.microsoft']);
});
