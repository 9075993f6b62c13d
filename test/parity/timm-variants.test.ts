import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadClassifier } from '../../inference/classify/load.js';
import { inspectWeights } from '../../inference/inspect.js';
import { convertModel } from '../../inference/convert.js';
import { maxError } from '../helpers/fixtures.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { seededNoise, writeSeeded, type Shapes } from '../helpers/seeded-tensors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

interface Variant {
  readonly shapes: Shapes;
  readonly logits?: readonly number[];
}

const { side, variants } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/published/timm-variants.json'), 'utf8'),
) as { readonly side: number; readonly variants: Readonly<Record<string, Variant>> };

const { path } = temporaryFolder();

/** The image of the oracle, `[1, side, side, 3]`; the oracle's order is channels first. */
function image(): Float32Array {
  const planes = seededNoise('image', 3 * side * side);
  return new Float32Array(planes.length).map((_, i) => planes[(i % 3) * side * side + Math.floor(i / 3)]); // prettier-ignore
}

/** A file in a folder of its own, with the configuration that timm writes beside it where tensors do not show all. */
async function fileOf(name: string): Promise<string> {
  const folder = path(name.replaceAll(' ', '-'));
  await mkdir(folder, { recursive: true });
  if (name === 'simple') {
    const config = { architecture: 'convnext_tiny', model_args: { norm_layer: 'simplenorm' } };
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  }
  const file = join(folder, 'model.safetensors');
  await writeSeeded(file, variants[name].shapes);
  return file;
}

const READ = [
  'hnf',
  'ols tiered',
  'ols',
  'ols activated',
  'rms',
  'rms channels last',
  'rms with hidden layer',
  'simple',
  'V2 ols',
  'V2 rms hnf',
];

describe.each(RUNTIMES)('%s', (runtime) => {
  test.each(READ)("timm's variant %s has timm's logits", async (name) => {
    const { model, store } = await loadClassifier(await fileOf(name));
    const program = await executable(runtime, model.inference, store);
    const { logits } = await program.run({ image: { shape: [1, side, side, 3], data: image() } });
    const expected = variants[name].logits ?? [];
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.2);
    expect(maxError(logits.data, expected)).toBeLessThan(2e-5);
    await program.release();
  });
});

test.each([
  ['hnf', 'ConvNeXt V1 (no published size, norm before pooling), 5 classes'],
  ['ols tiered', 'ConvNeXt V1 (no published size, overlapping stem), 5 classes'],
  [
    'V2 rms hnf',
    'ConvNeXt V2 (no published size, norms without shift, norm before pooling), 5 classes',
  ],
  ['V2 gray', 'ConvNeXt V2 (no published size, 1 input channel), 5 classes'],
])('inspect names the variant %s', async (name, title) => {
  expect((await inspectWeights(await fileOf(name))).network).toMatchObject({ title });
});

test.each([
  ['V2 small kernels', 'depthwise kernels of 3×3 where 7×7 are read (kernel_sizes)'],
  ['V2 patch 2', 'a stem of 2×2 pixels where 4×4 are read (patch_size)'],
  ['V2 without bias', 'convolutions without bias (conv_bias)'],
  ['V2 gray', 'a stem for images of 1 channel; images are read as RGB, 3 channels: for gray'],
  ['V2 five channels', 'a stem for images of 5 channels; images are read as RGB, 3 channels: save'],
])('the variant %s is refused by its name', async (name, message) => {
  await expect(loadClassifier(await fileOf(name))).rejects.toThrow(message);
});

test.each(READ)(
  'the variant %s converts to timm and back, and to hf only if it has the layers',
  async (name) => {
    const file = await fileOf(name);
    const [timm, official, hf] = ['timm', 'official', 'hf'].map(
      (to) => `${file}.${to}.safetensors`,
    );
    const options = {
      timmConvMlp: variants[name].shapes['stages.0.blocks.0.mlp.fc1.weight'].length === 4,
    };
    const { names } = await convertModel(file, timm, { scheme: 'timm', ...options });
    // V1's LayerScale is folded, so that it is not there.
    expect([...names].sort()).toEqual(
      Object.keys(variants[name].shapes)
        .filter((path) => !path.endsWith('.gamma'))
        .concat(
          Object.keys(variants[name].shapes).flatMap((path) =>
            path.endsWith('.gamma')
              ? ['weight', 'bias'].map((part) => path.replace('gamma', `mlp.grn.${part}`))
              : [],
          ),
        ) // prettier-ignore
        .sort(),
    );
    await convertModel(timm, official, { scheme: 'official' });
    const { model, store } = await loadClassifier(official);
    expect(model.numBlocks).toBe(5);
    expect(store.entries.length).toBeGreaterThan(40);
    await expect(convertModel(file, hf, { scheme: 'hf' })).rejects.toThrow(
      /expected names that hf has, got .*; this network converts to official, timm$/,
    );
  },
);
