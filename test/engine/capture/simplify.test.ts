import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureGraph } from '../../../engine/capture/capture.js';
import type { Lowering } from '../../../engine/capture/graph-builder.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { CompiledProgram } from '../../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import { createClassifier } from '../../../models/classifier.js';

beforeAll(() => tf.setBackend('cpu'));

const LOWERINGS: readonly Lowering[] = [{ kind: 'portable' }, { kind: 'cpu', blockSize: 8 }];
const SHAPE = [20, 30];

/** Captures a function of `x` `[20, 30]` and `bias` `[30]`. */
const capture = (body: (x: tf.Tensor, bias: tf.Tensor) => tf.Tensor): OnnxGraph =>
  captureGraph({
    name: 'test',
    lowering: { kind: 'portable' },
    inputs: { x: { shape: SHAPE, type: 'float32' }, bias: { shape: [30], type: 'float32' } },
    body: ({ x, bias }) => ({ y: body(x, bias) }),
  });

const ops = ({ nodes }: OnnxGraph): string[] => nodes.map(({ op }) => op);
const largestConstant = ({ initializers }: OnnxGraph): number =>
  Math.max(0, ...initializers.map(({ data }) => data.length));

describe('operations without effect emit no node', () => {
  const ones = (): tf.Tensor => tf.ones(SHAPE);
  const zeros = (): tf.Tensor => tf.zeros(SHAPE);

  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['x · 1', (x) => x.mul(1)],
    ['x · ones', (x) => x.mul(ones())],
    ['ones · x', (x) => ones().mul(x)],
    ['x / ones', (x) => x.div(ones())],
    ['x ^ 1', (x) => x.pow(tf.scalar(1))],
    ['x + 0', (x) => x.add(0)],
    ['zeros + x', (x) => zeros().add(x)],
    ['x − zeros', (x) => x.sub(tf.zerosLike(x))],
    ['x + ones − ones, in constants', (x) => x.mul(tf.onesLike(x).transpose().transpose())],
    ['reshapes there and back', (x) => x.reshape([600]).reshape([30, 20]).reshape(SHAPE)],
    ['a transposition of nothing', (x) => x.transpose([0, 1])],
    ['a slice of everything', (x) => x.slice([0, 0], SHAPE)],
    ['an empty padding', (x) => tf.pad(x, [[0, 0], [0, 0]])], // prettier-ignore
    ['a cast to the same type', (x) => x.cast('float32')],
    ['a clone', (x) => x.clone()],
  ])('%s', (_name, body) => {
    // An output needs a node of its own name: the copy of the input.
    expect(ops(capture((x) => body(x)))).toEqual(['Identity']);
  });

  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['0 − x', (x) => zeros().sub(x)],
    ['1 / x', (x) => ones().div(x)],
    ['1 ^ x', (x) => ones().pow(x)],
    ['x · 2', (x) => x.mul(2)],
    ['max(x, 0)', (x) => x.maximum(0)],
  ])('%s has an effect and is kept', (_name, body) => {
    expect(ops(capture((x) => body(x)))).not.toEqual(['Identity']);
  });
});

describe('constants of a single value are never materialized', () => {
  test.each<[string, string[], (x: tf.Tensor, bias: tf.Tensor) => tf.Tensor]>([
    ['a full-size summand', ['Add'], (x) => x.add(tf.fill(SHAPE, 2.5))],
    ['a transposed factor', ['Mul'], (x) => x.mul(tf.fill([30, 20], 3).transpose())],
    ['a reshaped factor', ['Mul'], (x) => x.mul(tf.fill([600], 3).reshape(SHAPE))],
    ['a factor with one axis more', ['Mul'], (x) => x.mul(tf.fill([20], 3).expandDims(1))],
    ['a cast one', ['Mul'], (x) => x.mul(tf.fill(SHAPE, 3, 'int32').cast('float32'))],
    ['ones times something smaller', ['Expand'], (_x, bias) => tf.ones(SHAPE).mul(bias)],
    ['a sum that was repeated', ['Mul'], (x, bias) => x.mul(bias.expandDims(0).tile([20, 1]))],
    [
      'functions of repetitions',
      ['Exp', 'Mul'],
      (x, b) => x.mul(b.expandDims(0).tile([20, 1]).exp()),
    ],
  ])('%s', (_name, expected, body) => {
    const graph = capture(body);
    expect(ops(graph).filter((op) => op !== 'Reshape')).toEqual(expected);
    expect(largestConstant(graph)).toBeLessThanOrEqual(2); // the shape of a reshape
  });

  test('the gradient of a mean is a scalar until a kernel needs all elements', () => {
    const graph = capture((x) => tf.grad((z) => z.square().mean())(x));
    expect(ops(graph)).not.toContain('Expand');
    expect(largestConstant(graph)).toBe(1);
  });
});

describe.each(LOWERINGS)('the training graph of a classifier, $kind', (lowering) => {
  const dims = [8, 12, 16, 24] as const;
  const model = createClassifier({
    backbone: { depths: [1, 1, 2, 1], dims, responseNorm: 'grn' },
    classes: 5,
    headInitScale: 1,
  });

  const graph = async (): Promise<OnnxGraph> => {
    const store = new ParameterStore(model.specs);
    const target = { runtime: await loadOnnxRuntime(), lowering };
    const into = new Float32Array(store.values.length);
    const program = new CompiledProgram(target, model.training, store, { of: 'loss', into });
    return program.capture({
      image: { shape: [2, 64, 64, 3], type: 'float32' },
      targets: { shape: [2, 5], type: 'float32' },
      dropPath: { shape: [5, 2], type: 'float32' },
    });
  };

  test('contains no constant larger than a vector over channels, or one for each channel of a block', async () => {
    const vectors = lowering.kind === 'cpu' ? lowering.blockSize : 4;
    expect(largestConstant(await graph())).toBeLessThanOrEqual(vectors * dims[3]);
  });

  test('materializes only one broadcast: the gradient of the pooled features', async () => {
    const { nodes } = await graph();
    expect(nodes.filter(({ op }) => op === 'Expand')).toHaveLength(1);
    expect(nodes.filter(({ op }) => op === 'Tile')).toEqual([]);
  });

  test('has parameters and data as inputs, and a gradient for every parameter', async () => {
    const { inputs, outputs } = await graph();
    const paths = new ParameterStore(model.specs).entries.map(({ path }) => path);
    expect(inputs.map(({ name }) => name).sort()).toEqual(
      [...paths, 'image', 'targets', 'dropPath'].sort(),
    );
    expect(outputs.map(({ name }) => name).sort()).toEqual(
      [...paths.map((path) => `grad:${path}`), 'loss', 'logits'].sort(),
    );
  });

  test('uses standard ONNX only when portable', async () => {
    const domains = new Set((await graph()).nodes.map(({ domain }) => domain));
    expect(domains.has('com.microsoft.nchwc')).toBe(lowering.kind === 'cpu');
    if (lowering.kind === 'portable') expect([...domains]).toEqual(['']);
  });
});
