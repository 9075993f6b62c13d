import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { WorkError } from '../../../core/errors.js';
import type { ParameterStore } from '../../../engine/parameters/store.js';
import { DEFAULT_ENGINE } from '../../../engine/runtime/engine.js';
import { createDetector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { compareOutputs } from '../../../tools/export/compare.js';
import type { ExportRequest } from '../../../tools/export/request.js';
import { exportLines, exportToFile, type ExportDocument } from '../../../tools/export/run.js';
import { toTorchLayout, torchShape } from '../../../weights/layout.js';
import { writeSafetensors } from '../../../weights/safetensors/write.js';
import { runOnnx } from '../../models/export/run-onnx.js';
import { tinyStore } from '../../train/detection/tiny-detector.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-export-'));
const weights = join(folder, 'detector.safetensors');
const located = { file: weights, task: 'detect' } as const;

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const backbone = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
  const [stage] = MASK_RCNN.stages;
  const model = createDetector(createDenseBackbone(backbone), {
    ...MASK_RCNN,
    numClasses: 3,
    channels: 4,
    stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }],
  });
  const store = tinyStore(model) as unknown as ParameterStore;
  await writeSafetensors(
    weights,
    store.entries.map(({ path, spec }) => ({
      name: path,
      dtype: 'F32',
      shape: torchShape(spec.shape, spec.layout),
      data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
    })),
  );
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const request = (more: Partial<ExportRequest> = {}): ExportRequest => ({
  out: join(folder, 'detector.onnx'),
  batch: 1,
  height: 64,
  width: 96,
  engine: DEFAULT_ENGINE,
  ...more,
});

test('writes a file that runs by itself, and beside it what it means', async () => {
  const document = await exportToFile(located, request());
  expect(document.differences.map(({ name }) => name)).toEqual([
    'count',
    'scores',
    'classes',
    'boxes',
    'masks',
  ]);
  expect(document.differences[1].count).toBe(100);
  const bytes = readFileSync(document.file);
  expect(bytes.length).toBe(document.bytes);
  const found = await runOnnx(
    { bytes },
    {
      image: { shape: [1, 64, 96, 3], data: new Float32Array(64 * 96 * 3) },
      image_size: { shape: [2], data: Float32Array.of(64, 96) },
    },
  );
  expect(found['boxes'].shape).toEqual([100, 4]);
  const beside = JSON.parse(
    readFileSync(join(folder, 'detector.json'), 'utf8'),
  ) as ExportDocument & {
    card: { classNames: string[]; pixels: object };
  };
  expect(beside.card.classNames).toEqual(['class 0', 'class 1', 'class 2']);
  expect(beside.card.pixels).toBeDefined();
  expect(beside).toMatchObject({ inputs: { image: [1, 64, 96, 3], image_size: [2] }, opset: 20 });
  expect(exportLines(document)).toMatch(
    /opset 20; inputs image \[1, 64, 96, 3\].*\noutput +values/,
  );
});

test('the input’s size is the model’s own where none is given', async () => {
  const { height, width, ...own } = request({ size: 64, out: join(folder, 'own.onnx') });
  expect([height, width]).toEqual([64, 96]);
  // 800/1333 scaled to 64, padded to 32.
  expect((await exportToFile(located, own)).inputs['image']).toEqual([1, 64, 128, 3]);
});

test('what cannot be exported is refused, and nothing is written', async () => {
  const out = join(folder, 'none.onnx');
  await expect(exportToFile(located, request({ out, batch: 2 }))).rejects.toThrow(
    '--batch: expected 1 for detectors, got 2',
  );
  await expect(exportToFile(located, request({ out, height: 70 }))).rejects.toThrow(
    'expected sides that are multiples of 32, got 96x70',
  );
  await expect(exportToFile({ file: weights, task: 'pretrain' }, request({ out }))).rejects.toThrow(
    'got an encoder in pre-training',
  );
  expect(existsSync(out)).toBe(false);
});

test('a file that computes something else is an error', async () => {
  const { file } = await exportToFile(located, request());
  const inputs = {
    image: { shape: [1, 64, 96, 3], data: new Float32Array(64 * 96 * 3) },
    image_size: { shape: [2], data: Float32Array.of(64, 96) },
  };
  const bytes = readFileSync(file);
  const wrong = { scores: { shape: [1], data: Float32Array.of(2) } };
  await expect(compareOutputs(bytes, inputs, wrong)).rejects.toThrow(WorkError);
  const missing = { other: { shape: [1], data: Float32Array.of(2) } };
  await expect(compareOutputs(bytes, inputs, missing)).rejects.toThrow('1 values of other');
});
