import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { convertModel } from '../../inference/convert.js';
import { open } from '../../inference/open.js';
import { segmenterInputs } from '../../inference/segment/preprocess.js';
import { summarizeModel } from '../../inference/summary.js';
import { decodeImage } from '../../io/image/decode.js';
import { createClassifier } from '../../models/classifier.js';
import { loadWeights, parameterTargets } from '../../weights/load.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/**
 * Tiny models of random weights as timm, torchvision, transformers, open_clip and OpenMMLab save them, with the outputs of
 * these libraries. @see test/oracles/published-names.py
 */
const FOLDER = join(import.meta.dirname, '../fixtures/published');

interface Outputs {
  readonly probabilities?: readonly number[];
  readonly pooled?: readonly number[];
  readonly shape?: readonly number[];
  readonly logits?: readonly number[];
  readonly labels?: readonly number[];
  readonly parameters?: number;
}
const outputs = JSON.parse(readFileSync(join(FOLDER, 'outputs.json'), 'utf8')) as Record<
  string,
  Outputs
>;
const LABELS = ['tench', 'hen', 'ox', 'lark', 'newt', 'toad', 'crab'];
const path = (name: string): string => join(FOLDER, name);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({});
});

/** Largest difference of two lists. */
function difference(a: ArrayLike<number>, b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i])), 0);
}

/** Files whose folder says how images are prepared, and files for which the test says it. */
const CLASSIFIERS: readonly [string, object, image: string, title: RegExp][] = [
  ['timm-v2', {}, 'wide.png', /^ConvNeXt V2 \(no published size\), 7 classes$/],
  ['timm-v1-conv-mlp', {}, 'wide.png', /^ConvNeXt V1/],
  ['timm-clip-mlp', {}, 'wide.png', /^ConvNeXt V1 \(no published size\), 7 classes$/],
  ['timm-train.pth.tar', { size: 64, crop: 1 }, 'square.png', /^ConvNeXt V2/],
  ['torchvision.pth', { size: 64, crop: 1 }, 'square.png', /^ConvNeXt V1/],
  ['hf-v1', {}, 'wide.png', /^ConvNeXt V1/],
  ['hf-v2-sharded', {}, 'wide.png', /^ConvNeXt V2/],
  ['mmpretrain-v1.pth', { size: 64, crop: 1 }, 'square.png', /^ConvNeXt V1/],
  ['mmpretrain-v2.pth', { size: 64, crop: 1 }, 'square.png', /^ConvNeXt V2/],
];

test.each(CLASSIFIERS)(
  '%s: probabilities are those of its library',
  async (name, options, image, title) => {
    expect((await summarizeModel(path(name))).title).toMatch(title);
    const model = await open(path(name), { engine, top: 7, task: 'classify', ...options });
    const { classes } = await model.predict(path(image));
    const probabilities = new Float64Array(7);
    for (const { classIndex, probability } of classes) probabilities[classIndex] = probability;
    expect(difference(probabilities, outputs[name].probabilities ?? [])).toBeLessThan(1e-4);
    if (name.startsWith('hf-')) expect(model.classNames).toEqual(LABELS);
    await model.release();
  },
);

test.each(['hf-dinov3', 'timm-features-only.pth', 'open-clip.pt'])(
  '%s: the encoder computes what its library does',
  async (name) => {
    const { architecture, kind, numLeftOut } = await summarizeModel(path(name));
    expect(kind).toBe('encoder');
    expect(numLeftOut > 0).toBe(name === 'open-clip.pt');
    const { depths, dims, hasNorm } = architecture;
    const isNormalized = name === 'hf-dinov3';
    const classes = dims[3];
    const model = createClassifier({
      backbone: { depths, dims, responseNorm: 'grn' } as never,
      classes,
      headInitScale: 1,
    });
    const store = new ParameterStore(model.specs);
    const exceptions = hasNorm ? (['newHead'] as const) : (['newHead', 'encoderOnly'] as const);
    await loadWeights(path(name), parameterTargets(store), { exceptions });
    // The head is the identity, so that the features come out.
    const head = store.get('head.weight').fill(0);
    for (let c = 0; c < classes; c++) head[c * classes + c] = 1;
    store.get('head.bias').fill(0);
    const program = engine.prepare(model.inference, store);
    const picture = await decodeImage(path('square.png'));
    const pixels = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
    const limits = { long: 64, short: 64 };
    const [{ data }] = segmenterInputs(picture, { limits, ratios: [1], pixels });
    const { logits } = await program.run({ image: { shape: [1, 64, 64, 3], data } });
    const features = logits.data as Float32Array;
    const pooled = outputs[name].pooled ?? [];
    const expected = isNormalized ? pooled : standardized(pooled, store);
    expect(difference(features, expected)).toBeLessThan(1e-4);
    await program.release();
  },
);

/** Layer norm of a vector with the classifier's norm. */
function standardized(x: readonly number[], store: ParameterStore): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [scale, shift] = [store.get('norm.weight'), store.get('norm.bias')];
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-6)) * scale[i] + shift[i]);
}

describe.each(['hf-upernet-v1', 'hf-upernet-v2', 'mmseg-upernet.pth'])('%s', (name) => {
  test('logits and labels are those of its library', async () => {
    expect((await summarizeModel(path(name))).title).toMatch(
      /^UPerNet on ConvNeXt V[12] \(no published size\), 7 classes$/,
    );
    const model = await open(path(name), { engine, size: 64, task: 'segment' });
    const { store, model: network } = model.loaded;
    const program = engine.prepare(network.inference, store);
    const picture = await decodeImage(path('square.png'));
    const [{ data }] = segmenterInputs(picture, { ...model.card, ratios: [1] });
    const { logits } = await program.run({ image: { shape: [1, 64, 64, 3], data } });
    const { shape = [], logits: wanted = [], labels = [] } = outputs[name];
    const [, k, h, w] = shape; // NCHW
    const values = logits.data as Float32Array;
    const nchw = wanted.map((_, i) => {
      const [c, position] = [Math.floor(i / (h * w)), i % (h * w)];
      return values[position * k + c];
    });
    expect(difference(nchw, wanted)).toBeLessThan(1e-4);
    const result = await model.predict(path('square.png'));
    const different = labels.filter((label, i) => label !== result.labels[i]).length;
    expect(different / labels.length).toBeLessThan(1e-3); // ties of the resized logits
    if (name.startsWith('hf-')) expect(model.classNames).toEqual(LABELS);
    await program.release();
    await model.release();
  });
});

const { path: temporary } = temporaryFolder();

test.each([
  ['mmdet-mask-rcnn.pth', 'Mask R-CNN on ConvNeXt V1 (no published size), 7 classes'],
  ['mmdet-cascade.pth', 'Cascade Mask R-CNN on ConvNeXt V1 (no published size), 7 classes'],
])('%s is a detector with all of its parameters', async (name, title) => {
  const summary = await summarizeModel(path(name));
  expect([summary.title, summary.kind, summary.scheme]).toEqual([title, 'detector', 'openmmlab']);
  expect(summary.numParameters).toBe(outputs[name].parameters);
});

/** Models of other names, and the same weights under ours. */
test.each(['mmdet-mask-rcnn.pth', 'mmdet-cascade.pth', 'mmseg-upernet.pth', 'hf-upernet-v1'])(
  '%s predicts the same bits under our names',
  async (name) => {
    const ours = temporary(`${name}.safetensors`);
    const { names } = await convertModel(path(name), ours, { scheme: 'official' });
    expect(names).toContain('backbone.stages.0.0.pwconv1.weight');
    const results = [];
    for (const file of [path(name), ours]) {
      const model = await open(file, { engine, size: 128, classes: LABELS });
      results.push(JSON.stringify(await model.predict(path('wide.png'))));
      await model.release();
    }
    expect(results[0].length).toBeGreaterThan(500);
    expect(results[1]).toBe(results[0]);
  },
);

test('a segmenter of transformers comes back under its names', async () => {
  const back = temporary('back.safetensors');
  const { names } = await convertModel(path('hf-upernet-v2'), back, { scheme: 'hf' });
  expect(names).toContain('backbone.hidden_states_norms.stage4.weight');
  expect(names).toContain('decode_head.psp_modules.0.1.batch_norm.running_mean');
  const [before, after] = [await summarizeModel(path('hf-upernet-v2')), await summarizeModel(back)];
  expect({ ...after, file: before.file }).toEqual(before);
  for (const scheme of ['timm', 'sparse'] as const)
    await expect(
      convertModel(path('mmdet-cascade.pth'), temporary('x'), { scheme }),
    ).rejects.toThrow(`expected names that ${scheme} has, got `);
});
