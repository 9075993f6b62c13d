import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { Random } from '../../core/random.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { open, type OpenOptions } from '../../inference/open.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { createUperNet, UPERNET } from '../../models/upernet.js';
import { toTorchLayout, torchShape } from '../../weights/layout.js';
import { runInProcess } from '../helpers/in-process.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const PHOTO = join(import.meta.dirname, '../fixtures/small/preprocess_q90_420.jpg');
const { path } = temporaryFolder();
const files = { 1: path('v1.safetensors'), 2: path('v2.safetensors') };

beforeAll(async () => {
  const backbone = createDenseBackbone({
    depths: [1, 1, 1, 1],
    dims: [4, 4, 4, 4],
    responseNorm: 'grn',
  });
  const head = { ...UPERNET, numClasses: 3, channels: 4, auxiliary: { channels: 4, weight: 0.4 } };
  const store = new ParameterStore(createUperNet(backbone, head).specs);
  store.initialize(1);
  const random = new Random(5);
  for (const { path: name } of store.entries)
    if (/weight$/.test(name)) store.get(name).forEach((_, i, all) => (all[i] = random.normal()));
  const tensors = store.entries.map(({ path: name, spec: { shape, layout } }) => ({
    name,
    dtype: 'F32' as const,
    shape: torchShape(shape, layout),
    data: toTorchLayout(store.get(name).slice(), shape, layout),
  }));
  await writeSafetensors(files[2], tensors);
  const v1 = tensors.flatMap((tensor) => {
    const [, block, which] = /^(.*)\.grn\.(gamma|beta)$/.exec(tensor.name) ?? [];
    if (block === undefined) return [tensor];
    const data = new Float32Array(4).fill(0.5);
    return which === 'gamma' ? [{ ...tensor, name: `${block}.gamma`, shape: [4], data }] : [];
  });
  await writeSafetensors(files[1], v1);
});

async function labels(options: OpenOptions<'segment'>): Promise<Uint8Array> {
  const model = await open(files[2], { task: 'segment', size: 64, ...options });
  const result = await model.predict(PHOTO);
  await model.release();
  return Uint8Array.from(result.labels);
}

test('state dicts of V1 have the six scales of its authors, those of V2 the five of its paper', async () => {
  for (const [version, ratios] of [
    [1, [0.5, 0.75, 1, 1.25, 1.5, 1.75]],
    [2, [0.75, 0.875, 1, 1.125, 1.25]],
  ] as const) {
    const model = await open(files[version], { task: 'segment' });
    await model.release();
    expect(model.card.ratios).toEqual(ratios);
    expect(model.card.window).toEqual({ cropSize: 512, stride: 341 });
  }
});

test('ratios replace the scales of test-time augmentation, and imply it', async () => {
  const [plain, five] = [await labels({}), await labels({ tta: true })];
  const same = await labels({ tta: true, ratios: [0.75, 0.875, 1, 1.125, 1.25] });
  expect(same).toEqual(five);
  expect(five).not.toEqual(plain);
  const one = await labels({ ratios: [1] });
  expect(one).not.toEqual(plain); // mirrored as well
  expect(await labels({ ratios: [0.5, 1.75] })).not.toEqual(five);
});

test('ratios out of range, or for another task, are errors before any work', async () => {
  await expect(labels({ ratios: [] })).rejects.toThrow('ratios: expected numbers above 0');
  await expect(labels({ ratios: [1, 0] })).rejects.toThrow('got [1, 0]');
  await expect(labels({ ratios: [9] })).rejects.toThrow('up to 8, got [9]');
  const classifier = join(import.meta.dirname, '../fixtures/small/backbone_official.pth');
  await expect(open(classifier, { ratios: [1] })).rejects.toThrow(
    'ratios: expected a segmenter, got the task classify',
  );
  await expect(open(classifier, { tta: true })).rejects.toThrow(
    'tta: expected a detector or segmenter, got the task classify',
  );
  await expect(open(classifier, { slide: true })).rejects.toThrow('slide: expected a segmenter');
  await (await open(classifier, { tta: false, score: 0.5 })).release();
  for (const list of ['0', '1,,2', 'a', '-1', '1,Infinity', '']) {
    const { code, stderr } = await runInProcess(['predict', files[2], PHOTO, '--ratios', list]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--ratios: expected numbers')]);
  }
});
