import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { ConfigError, DataError } from '../../core/errors.js';
import { decodeImage } from '../../io/image/decode.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { createDetector } from '../../models/detector.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { createUperNet } from '../../models/upernet.js';
import type { ImageModel } from '../../inference/model.js';
import { open, type OpenOptions } from '../../inference/open.js';
import { openAndPredict } from '../helpers/open-and.js';
import { toTorchLayout, torchShape } from '../../weights/layout.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { tinyStore } from '../train/detect/tiny-detector.js';

const FIXTURES = resolve(dirname(fileURLToPath(import.meta.url)), '../fixtures/small');
const photo = join(FIXTURES, 'preprocess_q90_420.jpg');
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-predictor-'));
const files = {
  classify: join(FIXTURES, 'backbone_official.pth'),
  detect: join(folder, 'detector.safetensors'),
  segment: join(folder, 'segmenter.safetensors'),
};

async function write(file: string, store: ParameterStore): Promise<void> {
  await writeSafetensors(
    file,
    store.entries.map(({ path, spec }) => ({
      name: path,
      dtype: 'F32',
      shape: torchShape(spec.shape, spec.layout),
      data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
    })),
  );
}

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const backbone = createDenseBackbone({
    depths: [1, 1, 1, 1],
    dims: [4, 4, 4, 4],
    responseNorm: 'grn',
  });
  const [stage] = MASK_RCNN.stages;
  const detector = createDetector(backbone, {
    ...MASK_RCNN,
    numClasses: 3,
    channels: 4,
    stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }],
  });
  await write(files.detect, tinyStore(detector));
  const segmenter = createUperNet(backbone, {
    numClasses: 3,
    channels: 4,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 4, weight: 0.4 },
  });
  const store = new ParameterStore(segmenter.specs);
  store.initialize(1);
  await write(files.segment, store);
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Predictions of the command line for the photograph. */
async function commandLine(task: keyof typeof files, top = 5): Promise<unknown> {
  const options = { task, top, score: 0, size: 96 };
  const { predictions } = (await openAndPredict(files[task], [photo], options)) as {
    predictions: unknown[];
  };
  return predictions[0];
}

async function loaded<Result>(
  task: keyof typeof files,
  use: (model: ImageModel) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const model = await open(files[task], { task, size: 96, ...options });
  try {
    return await use(model);
  } finally {
    await model.release();
  }
}

test('a classifier names its classes as the command line does, of files and of pixels', async () => {
  const results = await loaded('classify', async (model) => [
    await model.predict(photo),
    await model.predict(await decodeImage(photo)),
  ]);
  expect(results[1]).toEqual(results[0]);
  const [result] = results;
  if (result.task !== 'classify') throw new Error(result.task);
  const sum = result.classes.reduce((total, { probability }) => total + probability, 0);
  expect(sum).toBeCloseTo(1, 5);
  const { top } = (await commandLine('classify')) as { top: unknown[] };
  expect(result.classes.slice(0, 5)).toEqual(top);
});

test('a detector lists its objects as the command line does, with masks of the image’s size', async () => {
  const result = await loaded('detect', async (model) => await model.predict(photo));
  if (result.task !== 'detect') throw new Error(result.task);
  expect(result.objects.length).toBeGreaterThan(0);
  const { detections, width, height } = (await commandLine('detect')) as {
    detections: { readonly name: string; readonly score: number; readonly bbox: number[] }[];
    width: number;
    height: number;
  };
  expect(result.objects.map(({ name, score, box }) => ({ name, score, bbox: box }))).toEqual(
    detections,
  );
  expect(result.objects.every(({ mask }) => mask?.size.join() === `${height},${width}`)).toBe(true);
});

test('a segmenter gives a class for every pixel, the shares of which the command line prints', async () => {
  const result = await loaded('segment', async (model) => await model.predict(photo));
  if (result.task !== 'segment') throw new Error(result.task);
  const { width, height, labels, classNames } = result;
  expect(labels.length).toBe(width * height);
  const { classes } = (await commandLine('segment')) as {
    classes: { readonly classIndex: number; readonly name: string; readonly share: number }[];
  };
  for (const { classIndex, name, share } of classes) {
    expect(labels.filter((label) => label === classIndex).length / labels.length).toBe(share);
    expect(classNames[classIndex]).toBe(name);
  }
});

test('files that cannot be read and checkpoints that do not predict are refused', async () => {
  await loaded('classify', async (model) => {
    await expect(model.predict(join(folder, 'none.jpg'))).rejects.toThrow(DataError);
  });
  const pretrain = { task: 'pretrain' } as unknown as OpenOptions;
  await expect(open(files.classify, pretrain)).rejects.toThrow(ConfigError);
});
