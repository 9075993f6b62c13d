import { describe, expect, test } from 'vitest';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { convNeXtV2Features } from '../../backbone/convnextv2.js';
import { EPS } from '../../backbone/block.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { Program } from '../../engine/runtime/program.js';
import { classifier } from '../../heads/classifier.js';
import { createClassifier, type ClassifierModelSpecs } from '../../models/classifier.js';
import { loadClassifier } from '../../inference/classify/load.js';
import { discoverFixtures, readTensors, type Fixture } from '../helpers/fixtures.js';
import { fillStore, toNchw, toNhwc, torchValues } from '../helpers/layout.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { expectActivation, expectGradient, readTolerances } from '../helpers/tolerance.js';

interface BackboneJson {
  readonly config: {
    readonly depths: ConvNeXtV2Config['depths'];
    readonly dims: ConvNeXtV2Config['dims'];
    readonly classes: number;
  };
  readonly weights: Readonly<Record<string, string>>;
  readonly tolerance: readonly string[];
}

function model(json: BackboneJson): ReturnType<typeof createClassifier> {
  const { depths, dims, classes } = json.config;
  return createClassifier({
    backbone: { depths, dims, responseNorm: 'grn' },
    classes,
    headInitScale: 1,
  });
}

/** The classifier with every intermediate activation as an output. */
function traced(eps: number): Program {
  return {
    name: 'traced',
    forward: (params: TensorTree<ClassifierModelSpecs>, inputs) => {
      const activations: Record<string, tf.Tensor> = {};
      const { c5 } = convNeXtV2Features(params, inputs['image'] as tf.Tensor4D, {
        observe: (name, x) => {
          if (!name.startsWith('stages')) activations[name] = tf.keep(x.clone());
        },
      });
      return { ...activations, ...classifier(c5, params, { eps }) };
    },
  };
}

const loaded = (fixture: Fixture<BackboneJson>): ParameterStore => {
  const store = new ParameterStore(model(fixture.json).specs);
  const file = Object.values(fixture.json.weights).find((name) =>
    name.endsWith('_official.safetensors'),
  );
  if (!file) throw new Error(`${fixture.name}: expected an official safetensors file`);
  fillStore(store, readTensors(join(fixture.folder, file)));
  return store;
};

const fixtures = discoverFixtures<BackboneJson>('backbone');

describe.each(fixtures)('$name', (fixture) => {
  const { json, tensors } = fixture;
  const tolerances = readTolerances(json.tolerance);
  const get = (name: string): { shape: readonly number[]; data: Float32Array } => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`fixture ${fixture.name}: expected ${name}`);
    return { shape: tensor.shape, data: Float32Array.from(tensor.data) };
  };
  const image = (name: string): { shape: readonly number[]; data: Float32Array } => {
    const { shape } = get(name);
    return { shape: [shape[0], shape[2], shape[3], shape[1]], data: toNhwc(get(name)) };
  };

  test.each(RUNTIMES)("forward activations are the original's: %s", async (runtime) => {
    const program = await executable(runtime, traced(EPS), loaded(fixture));
    for (const [input, prefix] of [
      ['input', 'out.'],
      ['input2', 'out2.'],
    ]) {
      if (!tensors.has(input)) continue;
      const outputs = await program.run({ image: image(input) });
      const expected = [...tensors.keys()].filter((name) => name.startsWith(prefix));
      expect(expected.length).toBeGreaterThan(0);
      for (const name of expected) {
        const { data, shape } = outputs[name.slice(prefix.length)];
        const actual = shape.length === 4 ? toNchw(data, shape) : data;
        const tolerance = name.endsWith('logits') ? tolerances.logits : tolerances.activation;
        expectActivation(name, actual, get(name).data, tolerance);
      }
    }
    await program.release();
  });

  test.each(RUNTIMES)("loss and every gradient are the original's: %s", async (runtime) => {
    const store = loaded(fixture);
    const gradients = new Float32Array(store.values.length).fill(NaN);
    const { training } = model(json);
    const program = await executable(runtime, training, store, {
      of: 'loss',
      into: gradients,
      inputs: ['image'],
    });
    const labels = get('labels').data;
    const targets = new Float32Array(labels.length * json.config.classes);
    labels.forEach((label, n) => (targets[n * json.config.classes + label] = 1));
    const outputs = await program.run({
      image: image('input'),
      targets: { shape: [labels.length, json.config.classes], data: targets },
    });
    expectActivation('loss', outputs['loss'].data, get('loss').data, tolerances.activation);
    const checked = [...tensors.keys()].filter((name) => name.startsWith('grad.'));
    expect(checked.length).toBe(store.entries.length + 1);
    for (const name of checked) {
      const path = name.slice('grad.'.length);
      const input = outputs['grad:image'];
      const actual =
        path === 'input' ? toNchw(input.data, input.shape) : torchValues(store, gradients, path);
      expectGradient(name, actual, get(name).data, tolerances.gradient);
    }
    await program.release();
  });

  if (tensors.has('hf_eps1e-12.logits'))
    test('the final norm may have another epsilon', async () => {
      const program = await executable('compiled', traced(1e-12), loaded(fixture));
      const outputs = await program.run({ image: image('input') });
      expectActivation(
        'logits',
        outputs['logits'].data,
        get('hf_eps1e-12.logits').data,
        tolerances.logits,
      );
      await program.release();
    });

  test.each(Object.entries(json.weights))(
    'weights from a file give the logits: %s',
    async (kind, file) => {
      const { model: read, store } = await loadClassifier(join(fixture.folder, file));
      const program = await executable('compiled', read.inference, store);
      const outputs = await program.run({ image: image('input') });
      const expected = get(kind.includes('fp16') ? 'fp16ckpt.logits' : 'out.logits').data;
      expectActivation(kind, outputs['logits'].data, expected, tolerances.logits);
      await program.release();
    },
  );
});
