import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { FcmaeConfig, FcmaeSpecs } from '../../backbone/fcmae.js';
import { fcmae, fcmaeLoss, fcmaeSpecs, fcmaeTarget } from '../../backbone/fcmae.js';
import type { MaskedEncoder, GrnStatistics } from '../../backbone/fcmae-encoder.js';
import { gatheredEncoder } from '../../backbone/fcmae-encoder.js';
import { denseMaskedEncoder } from '../../bench/dense-masked-encoder.js';
import { fcmaeInputs, maskedBatch } from '../../backbone/fcmae-inputs.js';
import { maskFromNoise, patchGrid } from '../../backbone/masking.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { HostTensor, HostTensors, Program } from '../../engine/runtime/program.js';
import { loadFcmae } from '../../inference/pretrain/load.js';
import { discoverFixtures, type Fixture, type FixtureTensor } from '../helpers/fixtures.js';
import { toNchw, toNhwc, torchValues } from '../helpers/layout.js';
import { RUNTIMES, executable, type RuntimeName } from '../helpers/runtimes.js';
import { expectActivation, expectGradient, readTolerances } from '../helpers/tolerance.js';

interface FcmaeJson {
  readonly config: {
    readonly depths: ConvNeXtV2Config['depths'];
    readonly dims: ConvNeXtV2Config['dims'];
    readonly dec_dim: number;
    readonly dec_depth: number;
    readonly ratio: number;
    readonly patch: number;
  };
  readonly grad_sets: readonly string[];
  readonly weights: Readonly<Record<string, string>>;
  readonly tolerance: readonly string[];
}

const ENCODERS = { gathered: gatheredEncoder, 'dense-masked': denseMaskedEncoder } as const;
type EncoderName = keyof typeof ENCODERS;
const LOSSES = { norm_pix_true: true, norm_pix_false: false } as const;

/** Every way to compute it: the dense form is an oracle and runs on one runtime. */
const WAYS: readonly (readonly [EncoderName, RuntimeName])[] = [
  ...RUNTIMES.map((runtime) => ['gathered', runtime] as const),
  ['dense-masked', 'compiled'],
];

function configOf({ config }: FcmaeJson, statistics: GrnStatistics): FcmaeConfig {
  const { depths, dims, dec_dim: channels, dec_depth: depth } = config;
  return {
    backbone: { depths, dims, responseNorm: 'grn' },
    decoder: { channels, depth },
    patchSize: config.patch,
    maskRatio: config.ratio,
    statistics,
    normPixLoss: true,
  };
}

/** All activations and both losses, by the fixture's names. */
function traced(config: FcmaeConfig, encoder: MaskedEncoder): Program {
  return {
    name: 'traced autoencoder',
    forward: (params: TensorTree<FcmaeSpecs>, inputs) => {
      const maps: Record<string, tf.Tensor> = {};
      const batch = maskedBatch(inputs, config.patchSize);
      const outputs = fcmae(params, batch, config, encoder, (name, x) => {
        maps[name] = tf.keep(x.clone());
      });
      const losses = Object.entries(LOSSES).map(([name, normPixLoss]) => {
        const target = fcmaeTarget(batch.image, { ...config, normPixLoss });
        return [`${name}.loss`, fcmaeLoss(outputs.prediction, target, batch.mask)] as const;
      });
      return {
        ...maps,
        encoder: outputs.encoded,
        pred: outputs.prediction,
        ...Object.fromEntries(losses),
      };
    },
  };
}

function tensorOf({ name, tensors }: Fixture<FcmaeJson>, key: string): FixtureTensor {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
  return tensor;
}

function imageOf(fixture: Fixture<FcmaeJson>): HostTensor {
  const tensor = tensorOf(fixture, 'input');
  const [n, c, h, w] = tensor.shape;
  return { shape: [n, h, w, c], data: toNhwc(tensor) };
}

function inputsOf(fixture: Fixture<FcmaeJson>): HostTensors {
  const { patch, ratio } = fixture.json.config;
  const image = imageOf(fixture);
  const grid = patchGrid({ height: image.shape[1], width: image.shape[2] }, patch);
  const noise = Float32Array.from(tensorOf(fixture, 'noise').data);
  return fcmaeInputs(image, maskFromNoise(noise, grid, ratio), patch);
}

async function weightsOf(fixture: Fixture<FcmaeJson>): Promise<ParameterStore> {
  const store = new ParameterStore(fcmaeSpecs(configOf(fixture.json, 'sample')));
  const file = Object.values(fixture.json.weights).find((name) => name.endsWith('.pth'));
  if (!file) throw new Error(`${fixture.name}: expected a sparse checkpoint`);
  await loadFcmae(join(fixture.folder, file), store);
  return store;
}

/** `loss: rel 1e-5` of the fixture's tolerances. */
function lossTolerance({ json, name }: Fixture<FcmaeJson>): number {
  const match = json.tolerance.map((line) => /^loss: rel ([\d.e-]+)/.exec(line)).find((m) => m);
  if (!match) throw new Error(`${name}: tolerance of the loss not understood`);
  return Number(match[1]);
}

function expectLoss(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) / Math.abs(expected)).toBeLessThanOrEqual(tolerance);
}

const fixtures = discoverFixtures<FcmaeJson>('fcmae');

describe.each(fixtures)('$name', (fixture) => {
  const { json, tensors } = fixture;
  const tolerances = readTolerances(json.tolerance);
  const statistics = (['batch', 'sample'] as const).filter((name) =>
    tensors.has(`${name}.encoder`),
  );

  test("the mask of the noise is the original's", () => {
    expect([...inputsOf(fixture)['mask'].data]).toEqual([...tensorOf(fixture, 'mask').data]);
  });

  test.each(WAYS)(
    "activations, prediction and losses are the original's: %s, %s",
    async (form, runtime) => {
      const store = await weightsOf(fixture);
      for (const which of statistics) {
        const program = traced(configOf(json, which), ENCODERS[form]);
        const running = await executable(runtime, program, store);
        const outputs = await running.run(inputsOf(fixture));
        const names = [...tensors.keys()]
          .filter((name) => name.startsWith(`${which}.`) && !name.includes('.grad.'))
          .map((name) => name.slice(which.length + 1));
        expect(names).toEqual(expect.arrayContaining(['encoder', 'norm_pix_true.loss']));
        for (const name of names) {
          const expected = tensorOf(fixture, `${which}.${name}`).data;
          const { data, shape } = outputs[name];
          if (name.endsWith('.loss')) expectLoss(data[0], expected[0], lossTolerance(fixture));
          else expectActivation(name, toNchw(data, shape), expected, tolerances.activation);
        }
        await running.release();
      }
    },
  );

  const gradientCases = WAYS.flatMap((way) => json.grad_sets.map((set) => [...way, set] as const));
  test.each(gradientCases)(
    "every gradient is the original's: %s, %s, %s",
    async (form, runtime, set) => {
      const [which, loss] = set.split('.') as [GrnStatistics, keyof typeof LOSSES];
      const store = await weightsOf(fixture);
      const gradients = new Float32Array(store.values.length).fill(NaN);
      const config = { ...configOf(json, which), normPixLoss: LOSSES[loss] };
      const program = traced(config, ENCODERS[form]);
      const running = await executable(runtime, program, store, {
        of: `${loss}.loss`,
        into: gradients,
      });
      await running.run(inputsOf(fixture));
      const prefix = `${set}.grad.`;
      const checked = [...tensors.keys()].filter((name) => name.startsWith(prefix));
      expect(checked.length).toBe(store.entries.length);
      for (const name of checked) {
        const actual = torchValues(store, gradients, name.slice(prefix.length));
        expectGradient(name, actual, tensorOf(fixture, name).data, tolerances.gradient);
      }
      await running.release();
    },
  );
});
