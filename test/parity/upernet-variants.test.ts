import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { loadSegmenter, openSegmenter } from '../../inference/segment/load.js';
import { startSegmenter } from '../../inference/segment/weights.js';
import { inspectWeights } from '../../inference/inspect.js';
import { trainingOf } from '../../inference/training-meta.js';
import { createUperNet } from '../../models/upernet.js';
import { maxError } from '../helpers/fixtures.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { seededNoise, writeSeeded, type Shapes } from '../helpers/seeded-tensors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

interface Variant {
  readonly config: object;
  readonly shapes: Shapes;
  /** Every seventh logit in the order of rows, columns and classes. */
  readonly logits: readonly number[];
}

const { side, variants } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/published/upernet-variants.json'), 'utf8'),
) as { readonly side: number; readonly variants: Readonly<Record<string, Variant>> };
const names = Object.keys(variants);
const { path } = temporaryFolder();

async function fileOf(name: string, config?: object): Promise<string> {
  const folder = path(`${name.replaceAll(' ', '-')}-${config ? 'with' : 'without'}`);
  await mkdir(folder, { recursive: true });
  if (config) await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const file = join(folder, 'model.safetensors');
  await writeSeeded(file, variants[name].shapes);
  return file;
}

describe.each(RUNTIMES)('%s', (runtime) => {
  test.each(names)("the UPerNet %s has transformers' logits", async (name) => {
    const { config, logits: expected } = variants[name];
    const { model, store } = await loadSegmenter(await fileOf(name, config));
    const program = await executable(runtime, model.inference, store);
    const planes = seededNoise('image', 3 * side * side);
    const data = planes.map((_, i) => planes[(i % 3) * side * side + Math.floor(i / 3)]);
    const { logits } = await program.run({ image: { shape: [1, side, side, 3], data } });
    const sampled = Float32Array.from(logits.data).filter((_, i) => i % 7 === 0);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
    expect(maxError(sampled, expected)).toBeLessThan(2e-5);
    await program.release();
  });
});

test('other scales need a configuration, which the message describes', async () => {
  const file = await fileOf('hf three scales');
  await expect(loadSegmenter(file)).rejects.toThrow(
    'got 3; put a config.json beside the file: {"model_type": "upernet", "pool_scales": [3 numbers]}',
  );
  expect((await inspectWeights(file)).network).toMatchObject({
    problem: expect.stringContaining('pooling modules') as string,
  });
});

test('a start takes the heads over, but an auxiliary head of other layers is new', async () => {
  const file = await fileOf('hf deep auxiliary', variants['hf deep auxiliary'].config);
  const { model, backbone, store: whole } = await loadSegmenter(file);
  const store = new ParameterStore(
    createUperNet(createDenseBackbone(backbone), model.config).specs,
  );
  store.initialize(1);
  const before = store.get('auxiliary_head.conv_seg.weight').slice();
  const line = await startSegmenter(file, store, ['a', 'b', 'c', 'd', 'e']);
  expect(line).toContain('all layers taken over');
  expect(line).toContain('the auxiliary head is new');
  expect(store.get('decode_head.conv_seg.weight')).toEqual(
    whole.get('decode_head.conv_seg.weight'),
  );
  expect(store.get('auxiliary_head.conv_seg.weight')).toEqual(before);
});

test('names of the classes and scales of a checkpoint of OpenMMLab are read', async () => {
  const of = (plain: object): ReturnType<typeof trainingOf> => trainingOf({ plain } as Parameters<typeof trainingOf>[0]); // prettier-ignore
  const cfg =
    "decode_head=dict(type='UPerHead',\n    pool_scales=(1, 2, 5, ),\n    align_corners=False)";
  expect(of({ meta: { cfg, dataset_meta: { classes: ['cat ', 'dog'], palette: [] } } })).toEqual({
    classNames: ['cat', 'dog'],
    poolScales: [1, 2, 5],
    alignCorners: false,
  });
  expect(of({ meta: { config: 'align_corners=True', CLASSES: ['a'] } })).toMatchObject({
    classNames: ['a'],
    alignCorners: true,
  });
  const nothing = { alignCorners: false };
  for (const plain of [
    {},
    { meta: null },
    { meta: { CLASSES: [1], cfg: 3 } },
    { meta: { classes: '' } },
  ])
    expect(of(plain)).toEqual({ ...nothing, classNames: undefined, poolScales: undefined });
  const file = await fileOf('hf narrow', variants['hf narrow'].config);
  const { card } = await openSegmenter({ file, task: 'segment' }, {});
  expect(card.classNames[4]).toBe('class 4');
});
