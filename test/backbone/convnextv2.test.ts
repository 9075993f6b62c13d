import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { block } from '../../backbone/block.js';
import type { ConvNeXtV2Specs } from '../../backbone/convnextv2.js';
import { convNeXtV2Features, convNeXtV2Specs, createBackbone } from '../../backbone/convnextv2.js';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ShapeError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import type { Backbone, BackboneInputs, FeatureLevels } from '../../engine/backbone.js';
import { patchifyConv } from '../../engine/ops/conv.js';
import { layerNorm } from '../../engine/ops/layer-norm.js';
import { listSpecs, type SpecTree } from '../../engine/parameters/spec.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { HostTensor, HostTensors, Program } from '../../engine/runtime/program.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { expectGradient } from '../helpers/tolerance.js';
import { expectSame, floats, values } from '../engine/op-case.js';

const EPS = 1e-6;

/** Depths and widths of every kind: one block, several, none; odd widths and multiples of 4 and 8. */
const CONFIGS: Readonly<Record<string, ConvNeXtV2Config>> = {
  even: { depths: [1, 2, 1, 1], dims: [4, 8, 12, 16], responseNorm: 'grn' },
  odd: { depths: [2, 0, 1, 1], dims: [3, 5, 6, 9], responseNorm: 'grn' },
  plain: { depths: [1, 1, 1, 1], dims: [8, 4, 4, 12], responseNorm: 'none' },
};

type AnyBackbone = Backbone;

function filled(specs: SpecTree): ParameterStore {
  const store = new ParameterStore(specs);
  const random = new Random(3);
  for (let i = 0; i < store.values.length; i++) store.values[i] = random.between(-0.4, 0.4);
  return store;
}

/** The four levels as outputs, and their mean as a loss. */
function programOf(features: AnyBackbone['features']): Program {
  return {
    name: 'features',
    forward: (params, { image, dropPath }) => {
      const levels = features(
        params,
        image as tf.Tensor4D,
        dropPath ? { dropPath: dropPath as tf.Tensor2D } : {},
      );
      const { c2, c3, c4, c5 } = levels;
      // Squares, as sums of normalized levels have no gradient.
      const loss = tf.addN([c2, c3, c4, c5].map((level) => level.square().mean()));
      return { c2, c3, c4, c5, loss };
    },
  };
}

/** Written out from the specification: stem, then norm and convolution before each further stage. */
function reference(
  params: TensorTree<ConvNeXtV2Specs>,
  image: tf.Tensor4D,
  { dropPath }: BackboneInputs = {},
): FeatureLevels {
  const [stem, ...downsample] = params.downsample_layers;
  let x = layerNorm(patchifyConv(image, stem[0]), stem[1], EPS);
  let row = 0;
  const levels = params.stages.map((blocks, s) => {
    if (s > 0) {
      const [norm, conv] = downsample[s - 1];
      x = patchifyConv(layerNorm(x, norm, EPS), conv);
    }
    for (const blockParams of blocks) {
      const masks = dropPath && (tf.unstack(dropPath)[row++] as tf.Tensor1D);
      x = block(x, blockParams, masks ? { dropPathMask: masks } : {});
    }
    return x;
  });
  return { c2: levels[0], c3: levels[1], c4: levels[2], c5: levels[3] };
}

const image = (n: number, h: number, w: number): HostTensors => ({
  image: values(5, [n, h, w, 3], [-2, 2]),
});

const dropPath = (blocks: number, n: number): HostTensor =>
  floats(
    [blocks, n],
    Array.from({ length: blocks * n }, (_, i) => (i % 3 === 0 ? 0 : 1.5)),
  );

const run = async (
  runtime: (typeof RUNTIMES)[number],
  features: AnyBackbone['features'],
  specs: ConvNeXtV2Specs,
  inputs: HostTensors,
): Promise<HostTensors> => {
  const program = await executable(runtime, programOf(features), filled(specs));
  const outputs = await program.run(inputs);
  await program.release();
  return outputs;
};

describe.each(Object.entries(CONFIGS))('the network %s', (_name, config) => {
  const backbone = createBackbone(config);
  const inputs: HostTensors = { ...image(2, 64, 96), dropPath: dropPath(backbone.numBlocks, 2) };

  test.each(RUNTIMES)(
    'has levels of stride 4 to 32, as the specification says: %s',
    async (runtime) => {
      const actual = await run(runtime, backbone.features, backbone.specs, inputs);
      const expected = await run('eager cpu', reference, backbone.specs, inputs);
      [config.dims[0], config.dims[1], config.dims[2], config.dims[3]].forEach((width, s) => {
        const level = `c${s + 2}`;
        expect(actual[level].shape).toEqual([2, 64 / (4 << s), 96 / (4 << s), width]);
        expectSame(level, actual[level], expected[level]);
      });
    },
  );

  const gradientsOf = async (
    at: (typeof RUNTIMES)[number],
    features: AnyBackbone['features'],
  ): Promise<Float32Array> => {
    const store = filled(backbone.specs);
    const into = new Float32Array(store.values.length).fill(NaN);
    const program = await executable(at, programOf(features), store, { of: 'loss', into });
    await program.run(inputs);
    await program.release();
    return into;
  };

  test('has the gradients of the eager reference, compiled in both lowerings', async () => {
    const expected = await gradientsOf('eager cpu', reference);
    const store = new ParameterStore(backbone.specs);
    for (const runtime of ['compiled', 'compiled portable'] as const) {
      const actual = await gradientsOf(runtime, backbone.features);
      for (const entry of store.entries) {
        const of = (values: Float32Array): Float32Array => store.view(entry, values);
        expectGradient(`${runtime}, ${entry.path}`, of(actual), of(expected), 1e-4);
      }
    }
  });
});

test('pixels beyond a multiple of the stride are ignored at each level', async () => {
  const { features, specs } = createBackbone(CONFIGS['even']);
  const sizes = async (h: number, w: number): Promise<(readonly number[])[]> => {
    const outputs = await run('compiled', features, specs, image(1, h, w));
    return ['c2', 'c3', 'c4', 'c5'].map((level) => outputs[level].shape.slice(1, 3));
  };
  expect(await sizes(70, 45)).toEqual([[17, 11], [8, 5], [4, 2], [2, 1]]); // prettier-ignore
  expect(await sizes(32, 32)).toEqual([[8, 8], [4, 4], [2, 2], [1, 1]]); // prettier-ignore
});

test('an image that is too small or does not have three channels is rejected', async () => {
  const { features, specs } = createBackbone(CONFIGS['even']);
  await expect(run('compiled', features, specs, image(1, 16, 32))).rejects.toThrow(ShapeError);
  const gray = { image: values(1, [1, 32, 32, 1]) };
  await expect(run('compiled', features, specs, gray)).rejects.toThrow(
    'convNeXtV2: expected [N, H, W, 3], got [1, 32, 32, 1]',
  );
});

test('a mask of ones changes nothing, and every block uses its own row', async () => {
  const { features, specs, numBlocks } = createBackbone(CONFIGS['even']);
  expect(numBlocks).toBe(5);
  const withMask = (rows: number[]): Promise<HostTensors> =>
    run('compiled', features, specs, { ...image(1, 32, 32), dropPath: floats([5, 1], rows) });
  const plain = await run('compiled', features, specs, image(1, 32, 32));
  const ones = await withMask([1, 1, 1, 1, 1]);
  for (const level of ['c2', 'c3', 'c4', 'c5']) expectSame(level, ones[level], plain[level]);
  // Row 3 is the block of the third stage: the levels before it stay, the later ones change.
  const dropped = await withMask([1, 1, 1, 0, 1]);
  for (const level of ['c2', 'c3']) expectSame(level, dropped[level], plain[level]);
  for (const level of ['c4', 'c5'])
    expect([...dropped[level].data]).not.toEqual([...plain[level].data]);
});

test('observed activations are named by layer, in the order of the forward pass', async () => {
  const { specs } = createBackbone(CONFIGS['odd']);
  const names: string[] = [];
  const features: AnyBackbone['features'] = (params: TensorTree<ConvNeXtV2Specs>, x) =>
    convNeXtV2Features(params, x, { observe: (name, { shape }) => names.push(`${name} ${shape[3]}`) }); // prettier-ignore
  await run('compiled', features, specs, image(1, 32, 32));
  const blockOf = (at: string, width: number): string[] => [
    `stages.${at}.expanded ${4 * width}`,
    `stages.${at}.normalized ${4 * width}`,
  ];
  expect(names).toEqual([
    'stem 3',
    ...blockOf('0.0', 3),
    ...blockOf('0.1', 3),
    'stage0 3',
    'downsample1 5',
    'stage1 5',
    'downsample2 6',
    ...blockOf('2.0', 6),
    'stage2 6',
    'downsample3 9',
    ...blockOf('3.0', 9),
    'stage3 9',
  ]);
});

test('specs have the official names and this library’s shapes', () => {
  const specs = listSpecs(convNeXtV2Specs(CONFIGS['even'])).map(
    ([path, { shape }]) => `${path} ${shape.join('×')}`,
  );
  for (const expected of [
    'downsample_layers.0.0.weight 4×4×3×4',
    'downsample_layers.0.1.weight 4',
    'downsample_layers.1.0.weight 4',
    'downsample_layers.1.1.weight 2×2×4×8',
    'downsample_layers.3.1.bias 16',
    'stages.1.1.pwconv1.weight 8×32',
    'stages.3.0.grn.gamma 64',
  ])
    expect(specs).toContain(expected);
  expect(specs).toHaveLength(4 * 4 + 5 * 10);
});

describe('the dense backbone', () => {
  const plain = createBackbone(CONFIGS['even']);
  const dense = createDenseBackbone(CONFIGS['even']);

  test('adds a norm for each level and describes itself like the plain backbone', () => {
    const names = (specs: SpecTree): string[] => listSpecs(specs).map(([path]) => path);
    const added = [0, 1, 2, 3].flatMap((i) => [`norm${i}.weight`, `norm${i}.bias`]);
    expect(names(dense.specs)).toEqual([...names(plain.specs), ...added]);
    expect(dense.channels).toEqual([4, 8, 12, 16]);
    expect(dense.numBlocks).toBe(5);
  });

  test.each(RUNTIMES)(
    'normalizes outputs; the next stage gets the level before the norm: %s',
    async (runtime) => {
      const store = filled(dense.specs);
      const features = dense.features as unknown as AnyBackbone['features'];
      const program = await executable(runtime, programOf(features), store);
      const outputs = await program.run(image(2, 64, 64));
      const inner = new ParameterStore(plain.specs);
      for (const { path } of inner.entries) inner.get(path).set(store.get(path));
      const reference = await executable('eager cpu', programOf(plain.features), inner);
      const levels = await reference.run(image(2, 64, 64));
      for (const [i, level] of ['c2', 'c3', 'c4', 'c5'].entries()) {
        const [weight, bias] = [store.get(`norm${i}.weight`), store.get(`norm${i}.bias`)];
        expectSame(level, outputs[level], normalized(levels[level], weight, bias));
      }
      await program.release();
    },
  );
});

/** Layer norm in plain loops. */
function normalized(
  { shape, data }: HostTensor,
  weight: Float32Array,
  bias: Float32Array,
): HostTensor {
  const channels = weight.length;
  const out = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += channels) {
    const values = Array.from(data.subarray(row, row + channels));
    const mean = values.reduce((a, b) => a + b, 0) / channels;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
    values.forEach((value, c) => {
      out[row + c] = ((value - mean) / Math.sqrt(variance + EPS)) * weight[c] + bias[c];
    });
  }
  return { shape, data: out };
}
