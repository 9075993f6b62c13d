import { describe, expect, test } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { encodeModel } from '../../../engine/onnx/encode-model.js';
import type { OnnxGraph, OnnxNode } from '../../../engine/onnx/graph.js';
import { float, int, ints, string } from '../../../engine/onnx/graph.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import { DEFAULT_SESSION_OPTIONS, openSession } from '../../../engine/runtime/onnx-runtime.js';

const node = (
  op: string,
  inputs: string[],
  outputs: string[],
  more: Partial<OnnxNode>,
): OnnxNode => ({
  name: `node of ${outputs[0]}`,
  op,
  domain: '',
  inputs,
  outputs,
  attributes: {},
  ...more,
});

const graph = (parts: Partial<OnnxGraph>): OnnxGraph => ({
  name: 'graph',
  nodes: [],
  inputs: [],
  outputs: [],
  initializers: [],
  opsets: { '': 20 },
  ...parts,
});

/** Loads the graph and runs it with float32 inputs. */
async function run(
  g: OnnxGraph,
  inputs: Readonly<Record<string, readonly number[]>>,
): Promise<Record<string, { data: number[]; dims: readonly number[] }>> {
  const runtime = await loadOnnxRuntime();
  const { ort } = runtime;
  const session = await openSession(runtime, encodeModel(g), DEFAULT_SESSION_OPTIONS);
  const feeds = g.inputs.map(({ name, shape }) => [
    name,
    new ort.Tensor('float32', Float32Array.from(inputs[name]), [...shape]),
  ]);
  const results = await session.run(Object.fromEntries(feeds) as Parameters<typeof session.run>[0]);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => [
      name,
      { data: Array.from(data as Float32Array, Number), dims },
    ]),
  );
}

describe('onnxruntime-node understands', () => {
  test('attributes of every kind: negative integers, lists, floats and texts', async () => {
    const value = { shape: [2, 2], type: 'float32' } as const;
    const result = await run(
      graph({
        nodes: [
          node('Softmax', ['x'], ['soft'], { attributes: { axis: int(-1) } }),
          node('Transpose', ['x'], ['turned'], { attributes: { perm: ints([1, 0]) } }),
          node('LeakyRelu', ['x'], ['leaky'], { attributes: { alpha: float(0.25) } }),
          node('Gelu', ['x'], ['gelu'], { attributes: { approximate: string('tanh') } }),
          node('Gelu', ['x'], ['exact'], { attributes: { approximate: string('none') } }),
        ],
        inputs: [{ name: 'x', ...value }],
        outputs: ['soft', 'turned', 'leaky', 'gelu', 'exact'].map((name) => ({ name, ...value })),
      }),
      { x: [0, Math.log(3), -4, 2.8] },
    );
    expect(result['soft'].data[1]).toBeCloseTo(0.75, 6);
    expect(result['turned'].data[1]).toBe(-4);
    expect(result['leaky'].data[2]).toBe(-1);
    // The text was read: the two forms differ by 4e-4 here.
    expect(Math.abs(result['exact'].data[3] - result['gelu'].data[3])).toBeGreaterThan(1e-4);
  });

  test('initializers of every type, scalars, and views into a larger buffer', async () => {
    const view = Float32Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5);
    const result = await run(
      graph({
        nodes: [
          node('Where', ['bools', 'floats', 'scalar'], ['where'], {}),
          node('Cast', ['int32s'], ['cast'], { attributes: { to: int(1) } }),
          node('Reshape', ['cast', 'int64s'], ['turned'], {}),
          node('Add', ['where', 'x'], ['y'], {}),
        ],
        inputs: [{ name: 'x', shape: [3], type: 'float32' }],
        outputs: [
          { name: 'y', shape: [3], type: 'float32' },
          { name: 'turned', shape: [2, 1], type: 'float32' },
        ],
        initializers: [
          { name: 'bools', shape: [3], type: 'bool', data: Uint8Array.of(1, 0, 1) },
          { name: 'floats', shape: [3], type: 'float32', data: view },
          { name: 'scalar', shape: [], type: 'float32', data: Float32Array.of(0.5) },
          { name: 'int32s', shape: [2], type: 'int32', data: Int32Array.of(-7, 7) },
          { name: 'int64s', shape: [2], type: 'int64', data: BigInt64Array.of(-1n, 1n) },
        ],
      }),
      { x: [10, 20, 30] },
    );
    expect(result['y'].data).toEqual([11, 20.5, 33]);
    expect(result['turned']).toEqual({ data: [-7, 7], dims: [2, 1] });
  });

  test('an absent optional input, a second domain, and long names', async () => {
    const long = 'n'.repeat(3000);
    const result = await run(
      graph({
        nodes: [
          node('Clip', ['x', '', 'high'], [long], {}),
          node('FusedMatMul', [long, long], ['y'], {
            domain: 'com.microsoft',
            attributes: { transB: int(1) },
          }),
        ],
        inputs: [{ name: 'x', shape: [1, 2], type: 'float32' }],
        outputs: [{ name: 'y', shape: [1, 1], type: 'float32' }],
        initializers: [{ name: 'high', shape: [], type: 'float32', data: Float32Array.of(3) }],
        opsets: { '': 20, 'com.microsoft': 1 },
      }),
      { x: [-2, 5] },
    );
    expect(result['y'].data).toEqual([13]);
  });

  test('an invalid graph is rejected with the name of the node', async () => {
    const wrong = graph({
      nodes: [node('MatMul', ['x', 'x'], ['y'], { name: 'stages.0/MatMul' })],
      inputs: [{ name: 'x', shape: [2, 3], type: 'float32' }],
      outputs: [{ name: 'y', shape: [2, 3], type: 'float32' }],
    });
    await expect(run(wrong, { x: [1, 2, 3, 4, 5, 6] })).rejects.toThrow('stages.0/MatMul');
  });
});

test('weights beyond 2 GiB are rejected with the remedy', () => {
  const data = { byteLength: 2 ** 31 } as Float32Array;
  const large = graph({ initializers: [{ name: 'w', shape: [2 ** 29], type: 'float32', data }] });
  expect(() => encodeModel(large)).toThrow(InputError);
  expect(() => encodeModel(large)).toThrow('keep the weights as inputs');
});
