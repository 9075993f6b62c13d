import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convNeXtV2Specs } from '../../backbone/convnextv2.js';
import { fcmaeConfig } from '../../backbone/fcmae.js';
import { denseMaskedEncoder } from '../../bench/dense-masked-encoder.js';
import { fcmaeInputs } from '../../backbone/fcmae-inputs.js';
import { maskFromNoise, patchGrid } from '../../backbone/masking.js';
import { initialGamma, applyGrnVariant, type GrnVariant } from '../../backbone/grn-variant.js';
import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { grn } from '../../engine/ops/grn.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { HostTensors, Program } from '../../engine/runtime/program.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import { createClassifier } from '../../models/classifier.js';
import { createFcmae } from '../../models/fcmae.js';

const EPS = 1e-6;
type Grn = Extract<GrnVariant, { kind: 'grn' }>;
const GRN: Grn = { kind: 'grn', aggregation: 'l2', normalization: 'share', skip: true };
const GRN_VARIANTS: readonly (readonly [string, GrnVariant])[] = [
  ['average', { ...GRN, aggregation: 'average' }],
  ['l1', { ...GRN, aggregation: 'l1' }],
  ['affine only', { ...GRN, aggregation: 'one', normalization: 'none' }],
  ['aggregation only', { ...GRN, normalization: 'none' }],
  ['standardize', { ...GRN, normalization: 'standardize' }],
  ['inverseSum', { ...GRN, normalization: 'inverseSum' }],
  ['without skip', { ...GRN, skip: false }],
  ['lrn', { kind: 'lrn' }],
  ['batchNorm', { kind: 'batchNorm' }],
  ['layerNorm', { kind: 'layerNorm' }],
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Two positions with two channels: [3, 0] and [4, 2]; γ = [2, 1], β = [0.5, 0]. */
function byHand(variant: GrnVariant): number[] {
  return tf.tidy(() => {
    const x = tf.tensor4d([3, 0, 4, 2], [1, 1, 2, 2]);
    const params = { gamma: tf.tensor1d([2, 1]), beta: tf.tensor1d([0.5, 0]) };
    return Array.from(applyGrnVariant(x, params, variant, { eps: 0 }).dataSync());
  });
}

describe('values computed by hand', () => {
  // L2 norms 5 and 2, L1 norms 7 and 2, means 3.5 and 1.
  test.each<[string, GrnVariant, readonly number[]]>([
    [
      'the published form',
      GRN,
      [3 * 2 * (5 / 3.5) + 0.5 + 3, 0, 4 * 2 * (5 / 3.5) + 4.5, 2 * (2 / 3.5) + 2],
    ],
    [
      'l1',
      { ...GRN, aggregation: 'l1' },
      [3 * 2 * (7 / 4.5) + 3.5, 0, 4 * 2 * (7 / 4.5) + 4.5, 2 * (2 / 4.5) + 2],
    ],
    [
      'average',
      { ...GRN, aggregation: 'average' },
      [3 * 2 * (3.5 / 2.25) + 3.5, 0, 4 * 2 * (3.5 / 2.25) + 4.5, 2 / 2.25 + 2],
    ],
    ['affine only', { ...GRN, aggregation: 'one', normalization: 'none' }, [9.5, 0, 12.5, 4]],
    ['aggregation only', { ...GRN, normalization: 'none' }, [33.5, 0, 44.5, 6]],
    [
      'inverseSum',
      { ...GRN, normalization: 'inverseSum' },
      [6 / 7 + 3.5, 0, 8 / 7 + 4.5, 2 / 7 + 2],
    ],
    ['standardize', { ...GRN, normalization: 'standardize' }, [9.5, 0, 12.5, 0]],
    [
      'without skip',
      { ...GRN, skip: false },
      [3 * 2 * (5 / 3.5) + 0.5, 0, 4 * 2 * (5 / 3.5) + 0.5, 2 * (2 / 3.5)],
    ],
    ['layerNorm', { kind: 'layerNorm' }, [2.5, -1, 2.5, -1]],
    ['batchNorm', { kind: 'batchNorm' }, [-1.5, -1, 2.5, 1]],
    [
      'lrn',
      { kind: 'lrn' },
      [
        6 * (1 + 9 * 2e-5) ** -0.75 + 0.5,
        0,
        8 * (1 + 20 * 2e-5) ** -0.75 + 0.5,
        2 * (1 + 20 * 2e-5) ** -0.75,
      ],
    ],
  ])('%s', (_, variant, expected) => {
    byHand(variant).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
  });
});

test('the published variant is global response normalization', () => {
  tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 5], 0, 1, 'float32', 1);
    const params = {
      gamma: tf.randomNormal<tf.Rank.R1>([5], 0, 1, 'float32', 2),
      beta: tf.range(0, 5),
    };
    const difference = applyGrnVariant(x, params, GRN, { eps: EPS }).sub(grn(x, params, EPS));
    expect(difference.abs().max().dataSync()[0]).toBeLessThan(1e-5);
  });
});

test('variants with a skip connection start as the identity, the others with scale 1', () => {
  expect(GRN_VARIANTS.map(([name, variant]) => [name, initialGamma(variant)])).toEqual(
    GRN_VARIANTS.map(([name]) => [
      name,
      ['without skip', 'lrn', 'batchNorm', 'layerNorm'].includes(name) ? 1 : 0,
    ]),
  );
  const specs = convNeXtV2Specs({
    depths: [1, 1, 1, 1],
    dims: [2, 2, 2, 2],
    responseNorm: 'grn',
    responseForm: { kind: 'layerNorm' },
  });
  expect(specs.stages[0][0].grn.gamma.init).toEqual({ kind: 'constant', value: 1 });
});

describe('in a network', () => {
  let compiled: Engine;
  let eager: Engine;
  const random = new Random(3);
  const image = {
    shape: [2, 64, 64, 3],
    data: Float32Array.from({ length: 2 * 64 * 64 * 3 }, () => random.normal()),
  };
  beforeAll(async () => {
    compiled = await openEngine();
    eager = await openEngine({ kind: 'eager', tfjsBackend: 'cpu' });
  });
  afterAll(() => tf.disposeVariables());

  async function run(
    engine: Engine,
    { program, specs, inputs }: { program: Program; specs: SpecTree; inputs: HostTensors },
  ): Promise<{ readonly loss: number; readonly gradients: Float32Array }> {
    const store = new ParameterStore(specs);
    store.initialize(1);
    // Small random parameters everywhere, so that no gradient is zero.
    const noise = new Random(7);
    store.values.forEach((value, i) => (store.values[i] = value + 0.05 * noise.normal()));
    const gradients = new Float32Array(store.values.length);
    const ready = engine.prepare(program, store, { gradients: { of: 'loss', into: gradients } });
    const { loss } = await ready.run(inputs);
    const value = loss.data[0];
    await ready.release();
    return { loss: value, gradients };
  }

  test.each(GRN_VARIANTS)(
    '%s: a classifier and an autoencoder, compiled as eager, with gradients',
    async (_, variant) => {
      const backbone = {
        depths: [1, 1, 1, 1],
        dims: [4, 4, 8, 8],
        responseNorm: 'grn',
        responseForm: variant,
      } as const;
      const classifier = createClassifier({ backbone, classes: 2, headInitScale: 1 });
      const targets = { shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) };
      const autoencoder = createFcmae({
        ...fcmaeConfig(backbone),
        decoder: { channels: 4, depth: 1 },
        maskRatio: 0.5,
      });
      const noise = Float32Array.from({ length: 8 }, (_value, i) => (i * 5) % 8);
      const mask = maskFromNoise(noise, patchGrid({ height: 64, width: 64 }, 32), 0.5);
      const ask = [
        { program: classifier.training, specs: classifier.specs, inputs: { image, targets } },
        {
          program: autoencoder.training,
          specs: autoencoder.specs,
          inputs: fcmaeInputs(image, mask, 32),
        },
      ] as const;
      for (const one of ask) {
        const [a, b] = [await run(compiled, one as never), await run(eager, one as never)];
        expect(a.loss).toBeCloseTo(b.loss, 4);
        const largest = b.gradients.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
        expect(largest).toBeGreaterThan(0);
        const worst = a.gradients.reduce(
          (max, v, i) => Math.max(max, Math.abs(v - b.gradients[i])),
          0,
        );
        expect(worst / largest).toBeLessThan(1e-3);
      }
    },
  );

  test('the dense oracle rejects other variants, which would include removed sites', async () => {
    const backbone = {
      depths: [1, 1, 1, 1],
      dims: [4, 4, 4, 4],
      responseNorm: 'grn',
      responseForm: { kind: 'lrn' },
    } as const;
    const { training, specs } = createFcmae(
      { ...fcmaeConfig(backbone), maskRatio: 0.5 },
      denseMaskedEncoder,
    );
    const mask = maskFromNoise(
      Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4),
      patchGrid({ height: 64, width: 64 }, 32),
      0.5,
    );
    const refused = run(eager, { program: training, specs, inputs: fcmaeInputs(image, mask, 32) });
    await expect(refused).rejects.toThrow(ConfigError);
  });
});
