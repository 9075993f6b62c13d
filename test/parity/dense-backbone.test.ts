import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { HostTensors, Program } from '../../engine/runtime/program.js';
import { discoverFixtures, readTensors, type FixtureTensor } from '../helpers/fixtures.js';
import { fillStore, toNchw, toNhwc, torchValues } from '../helpers/layout.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { expectActivation, expectGradient, readTolerances } from '../helpers/tolerance.js';

interface DenseBackboneJson {
  readonly config: {
    readonly depths: ConvNeXtV2Config['depths'];
    readonly dims: ConvNeXtV2Config['dims'];
  };
  readonly weights: string;
  readonly tolerance: readonly string[];
}

const LEVELS = ['c2', 'c3', 'c4', 'c5'] as const;

/** Outputs of every level, and the loss `Σ_i Σ out_i · weight_i` of the fixture. */
function weighted(config: ConvNeXtV2Config): Program {
  return {
    name: 'dense backbone',
    forward: (params, inputs) => {
      const levels = createDenseBackbone(config).features(params, inputs['image'] as tf.Tensor4D);
      const terms = LEVELS.map((level, i) => levels[level].mul(inputs[`weight${i}`]).sum());
      return { ...levels, loss: tf.addN(terms) };
    },
  };
}

const nhwc = (tensor: FixtureTensor): { shape: number[]; data: Float32Array } => {
  const [n, c, h, w] = tensor.shape;
  const data = toNhwc(tensor);
  // Images of dense prediction fixtures are stored as bytes.
  return {
    shape: [n, h, w, c],
    data: tensor.data instanceof Uint8Array ? data.map((v) => (v - 128) / 32) : data,
  };
};

const fixtures = discoverFixtures<DenseBackboneJson>('dense_backbone');

describe.each(fixtures)('$name', ({ name, json, tensors, folder }) => {
  const config: ConvNeXtV2Config = {
    depths: json.config.depths,
    dims: json.config.dims,
    responseNorm: 'grn',
  };
  const tolerances = readTolerances(json.tolerance);
  const get = (key: string): FixtureTensor => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
    return tensor;
  };

  test.each(RUNTIMES)("levels, loss and gradients are the original's: %s", async (runtime) => {
    const store = new ParameterStore(createDenseBackbone(config).specs);
    fillStore(store, readTensors(join(folder, json.weights)));
    const gradients = new Float32Array(store.values.length).fill(NaN);
    const target = { of: 'loss', into: gradients, inputs: ['image'] };
    const program = await executable(runtime, weighted(config), store, target);
    const inputs: HostTensors = {
      image: nhwc(get('input')),
      ...Object.fromEntries(LEVELS.map((_, i) => [`weight${i}`, nhwc(get(`grad_out${i}`))])),
    };
    const outputs = await program.run(inputs);
    LEVELS.forEach((level, i) => {
      const { data, shape } = outputs[level];
      expectActivation(level, toNchw(data, shape), get(`out${i}`).data, tolerances.activation);
    });
    expectActivation('loss', outputs['loss'].data, get('loss').data, tolerances.activation);
    const checked = [...tensors.keys()].filter((key) => key.startsWith('grad.'));
    expect(checked.length).toBe(store.entries.length + 1);
    for (const key of checked) {
      const path = key.slice('grad.'.length);
      const input = outputs['grad:image'];
      const actual =
        path === 'input' ? toNchw(input.data, input.shape) : torchValues(store, gradients, path);
      expectGradient(key, actual, get(key).data, tolerances.gradient);
    }
    await program.release();
  });
});
