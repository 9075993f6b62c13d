import { describe, expect, test } from 'vitest';
import { createBackbone } from '../../../backbone/convnextv2.js';
import { ConfigError } from '../../../core/errors.js';
import {
  convSpecs,
  depthwiseSpecs,
  linearSpecs,
  normSpecs,
  vectorSpec,
} from '../../../engine/parameters/layers.js';
import type { Initializer, SpecTree } from '../../../engine/parameters/spec.js';
import { listSpecs, mapSpecs } from '../../../engine/parameters/spec.js';
import { ParameterStore, numParameters, parameterSize } from '../../../engine/parameters/store.js';
import { createClassifier } from '../../../models/classifier.js';

const NORMAL: Initializer = { kind: 'normal', std: 1 };

/** A tree with records, arrays and a statistic that is not trained. */
const TREE = {
  stem: linearSpecs(3, 4, NORMAL),
  blocks: [normSpecs(2), { scale: vectorSpec(5) }],
  running: { ...vectorSpec(7), trainable: false },
} as const;

describe('specs', () => {
  test('are listed with dotted paths in the order of declaration', () => {
    expect(listSpecs(TREE).map(([path]) => path)).toEqual([
      'stem.weight',
      'stem.bias',
      'blocks.0.weight',
      'blocks.0.bias',
      'blocks.1.scale',
      'running',
    ]);
  });

  test('are mapped leaf by leaf, arrays to arrays', () => {
    const sizes = mapSpecs(TREE, (path, { shape }) => `${path}:${shape.join('×')}`);
    expect(sizes).toEqual({
      stem: { weight: 'stem.weight:3×4', bias: 'stem.bias:4' },
      blocks: [
        { weight: 'blocks.0.weight:2', bias: 'blocks.0.bias:2' },
        { scale: 'blocks.1.scale:5' },
      ],
      running: 'running:7',
    });
  });

  test('may be empty, or one leaf without a path', () => {
    expect(listSpecs({})).toEqual([]);
    expect(listSpecs(vectorSpec(3)).map(([path]) => path)).toEqual(['']);
  });

  test('of layers have this library’s shapes', () => {
    const shapes = (tree: SpecTree): unknown => mapSpecs(tree, (_path, { shape }) => shape);
    expect(shapes(convSpecs(4, 3, 8, NORMAL))).toEqual({ weight: [4, 4, 3, 8], bias: [8] });
    expect(shapes(depthwiseSpecs(7, 8, NORMAL))).toEqual({ weight: [7, 7, 8, 1], bias: [8] });
    expect(shapes(linearSpecs(3, 8, NORMAL))).toEqual({ weight: [3, 8], bias: [8] });
    expect(shapes(normSpecs(8))).toEqual({ weight: [8], bias: [8] });
  });
});

describe('a store', () => {
  test('lays the parameters out contiguously', () => {
    const store = new ParameterStore(TREE);
    expect(store.entries.map(({ path, offset, size }) => [path, offset, size])).toEqual([
      ['stem.weight', 0, 12],
      ['stem.bias', 12, 4],
      ['blocks.0.weight', 16, 2],
      ['blocks.0.bias', 18, 2],
      ['blocks.1.scale', 20, 5],
      ['running', 25, 7],
    ]);
    expect(store.values.length).toBe(32);
    expect(parameterSize(TREE)).toBe(32);
    expect(numParameters(TREE)).toBe(25); // without the running statistic
  });

  test('gives views, of its own buffer and of others laid out like it', () => {
    const store = new ParameterStore(TREE);
    store.get('blocks.1.scale').fill(3);
    expect([...store.values.subarray(19, 26)]).toEqual([0, 3, 3, 3, 3, 3, 0]);
    const gradients = new Float32Array(32);
    store.view(store.entry('stem.bias'), gradients).fill(1);
    expect(gradients.indexOf(1)).toBe(12);
  });

  test('accepts a buffer and rejects one of another size', () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => i);
    expect([...new ParameterStore(TREE, values).get('stem.bias')]).toEqual([12, 13, 14, 15]);
    expect(() => new ParameterStore(TREE, new Float32Array(31))).toThrow(ConfigError);
    expect(() => new ParameterStore(TREE, new Float32Array(31))).toThrow('32 values, got 31');
  });

  test('rejects unknown paths by name', () => {
    const store = new ParameterStore(TREE);
    expect(() => store.get('stem.wieght')).toThrow(ConfigError);
    expect(() => store.entry('stem')).toThrow('got stem');
  });
});

describe('initial values', () => {
  const SIZE = 40_000;
  const drawn = (init: Initializer, seed = 1): Float32Array => {
    const store = new ParameterStore({ x: vectorSpec(SIZE, init) });
    store.initialize(seed);
    return store.values;
  };
  const moments = (values: Float32Array): { mean: number; std: number } => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    return { mean, std: Math.sqrt(variance) };
  };
  // Five standard errors of the mean and of the standard deviation of a sample of this size.
  const [MEAN, STD] = [5 / Math.sqrt(SIZE), 5 / Math.sqrt(2 * SIZE)];

  test('constant', () => {
    expect([...new Set(drawn({ kind: 'constant', value: 0.5 }))]).toEqual([0.5]);
  });

  test('normal: mean 0 and the given standard deviation, with tails', () => {
    const values = drawn({ kind: 'normal', std: 0.02 });
    const { mean, std } = moments(values);
    expect(Math.abs(mean) / 0.02).toBeLessThan(MEAN);
    expect(Math.abs(std / 0.02 - 1)).toBeLessThan(STD);
    const beyond = values.filter((x) => Math.abs(x) > 2 * 0.02).length / SIZE;
    expect(beyond).toBeGreaterThan(0.04); // 4.55 % of a normal distribution
    expect(beyond).toBeLessThan(0.051);
  });

  test('truncated normal: none outside the limit, none accumulated at it', () => {
    const values = drawn({ kind: 'truncatedNormal', std: 1, limit: 1 });
    expect(values.every((x) => Math.abs(x) <= 1)).toBe(true);
    // Variance of a normal truncated at one standard deviation: 1 − 2 φ(1) / (2 Φ(1) − 1).
    expect(Math.abs(moments(values).std / Math.sqrt(0.29112) - 1)).toBeLessThan(STD);
    expect(values.filter((x) => Math.abs(x) > 0.999).length / SIZE).toBeLessThan(0.003);
  });

  test('truncated normal with a far limit is a plain normal: the weights of the network', () => {
    const { std } = moments(drawn({ kind: 'truncatedNormal', std: 0.02, limit: 2 }));
    expect(Math.abs(std / 0.02 - 1)).toBeLessThan(STD);
  });

  test('truncated normal of width zero terminates', () => {
    const values = drawn({ kind: 'truncatedNormal', std: 0, limit: 0 });
    expect(values.every((x) => x + 0 === 0)).toBe(true);
  });

  test('uniform: in the interval, with its variance', () => {
    const values = drawn({ kind: 'uniform', limit: 3 });
    expect(values.every((x) => x >= -3 && x < 3)).toBe(true);
    const { mean, std } = moments(values);
    expect(Math.abs(mean) / Math.sqrt(3)).toBeLessThan(MEAN);
    expect(Math.abs(std / Math.sqrt(3) - 1)).toBeLessThan(STD);
  });

  test('equal seeds draw equal values, different seeds different ones', () => {
    expect(drawn(NORMAL, 7)).toEqual(drawn(NORMAL, 7));
    expect(drawn(NORMAL, 7)).not.toEqual(drawn(NORMAL, 8));
  });

  test('parameters have separate, uncorrelated streams', () => {
    const store = new ParameterStore({
      a: vectorSpec(SIZE, NORMAL),
      b: vectorSpec(SIZE, NORMAL),
      c: [vectorSpec(SIZE, NORMAL)],
    });
    store.initialize(1);
    const [a, b, c] = ['a', 'b', 'c.0'].map((path) => store.get(path));
    for (const [x, y] of [
      [a, b],
      [a, c],
      [b, c],
    ]) {
      // prettier-ignore
      const correlation = x.reduce((sum, value, i) => sum + value * y[i], 0) / SIZE;
      expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(SIZE));
    }
  });

  test('adding a parameter, before or after, does not change the others', () => {
    const first = new ParameterStore({ a: vectorSpec(9, NORMAL), b: vectorSpec(4, NORMAL) });
    const second = new ParameterStore({
      new: vectorSpec(3, NORMAL),
      b: vectorSpec(4, NORMAL),
      c: vectorSpec(2, NORMAL),
    });
    first.initialize(3);
    second.initialize(3);
    expect(second.get('b')).toEqual(first.get('b'));
  });

  test('a backbone starts with the same values under every head', () => {
    const backbone = { depths: [1, 1, 1, 1], dims: [2, 3, 4, 5], responseNorm: 'grn' } as const;
    const alone = new ParameterStore(createBackbone(backbone).specs);
    const model = createClassifier({ backbone, classes: 3, headInitScale: 1 });
    const { head, norm, stages, downsample_layers } = model.specs;
    const whole = new ParameterStore({ head, norm, stages, downsample_layers });
    alone.initialize(2);
    whole.initialize(2);
    for (const { path } of alone.entries) expect(whole.get(path), path).toEqual(alone.get(path));
  });
});
