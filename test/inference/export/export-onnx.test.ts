import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { WorkError } from '../../../core/errors.js';
import { createDetector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import type { HostTensors } from '../../../engine/runtime/program.js';
import { compareDetections } from '../../../inference/export/compare-detections.js';
import { compareOutputs } from '../../../inference/export/compare.js';
import {
  exportOnnx,
  type ExportDocument,
  type ExportOptions,
} from '../../../inference/export/export-onnx.js';
import { load, type OpenOptions } from '../../../inference/open.js';
import { exportLines } from '../../../tools/export.js';
import { toTorchLayout, torchShape } from '../../../weights/layout.js';
import { writeSafetensors } from '../../../io/safetensors/write.js';
import { runOnnx } from './run-onnx.js';
import { tinyStore } from '../../train/detect/tiny-detector.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-export-'));
const weights = join(folder, 'detector.safetensors');

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
  const store = tinyStore(model);
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

const exported = async (
  { height = 64, width = 96, raw = true, ...more }: Partial<ExportOptions> = {},
  options: OpenOptions = {},
): Promise<ExportDocument> =>
  exportOnnx(await load(weights, { task: 'detect', ...options }), {
    out: join(folder, 'exported.onnx'),
    height,
    width,
    raw,
    ...more,
  });

test('writes a file that runs by itself, and beside it what it means', async () => {
  const document = await exported();
  expect(document.differences.map(({ name }) => name)).toEqual([
    'count',
    'scores',
    'boxes',
    'masks',
  ]);
  expect(document.differences[1].count).toBeGreaterThanOrEqual(95);
  const bytes = readFileSync(document.file);
  expect(bytes.length).toBe(document.bytes);
  const found = await runOnnx(
    { bytes },
    {
      image: { shape: [1, 64, 96, 3], data: new Float32Array(64 * 96 * 3) },
      image_size: { shape: [1, 2], data: Float32Array.of(64, 96) },
    },
  );
  expect(found['boxes'].shape).toEqual([1, 100, 4]);
  const beside = JSON.parse(
    readFileSync(join(folder, 'exported.json'), 'utf8'),
  ) as ExportDocument & {
    card: { classNames: string[]; pixels: object };
  };
  expect(beside.card.classNames).toEqual(['class 0', 'class 1', 'class 2']);
  expect(beside.card.pixels).toBeDefined();
  expect(beside).toMatchObject({
    inputs: { image: [-1, 64, 96, 3], image_size: [-1, 2] },
    opset: 20,
  });
  expect(exportLines(document)).toMatch(
    /opset 20; inputs image \[batch, 64, 96, 3\].*\noutput +compared/,
  );
});

test('sizes are any where none is given', async () => {
  const loaded = await load(weights, { task: 'detect', size: 64 });
  const { inputs, contract } = await exportOnnx(loaded, { out: join(folder, 'any.onnx') });
  expect(inputs).toEqual({ image: [-1, -1, -1, 3] });
  expect(contract.inputs).toMatchObject([
    { name: 'image', type: 'uint8', shape: ['batch', 'height', 'width', 3] },
  ]);
});

test('what cannot be exported is refused, and nothing is written', async () => {
  const out = join(folder, 'none.onnx');
  await expect(exported({ out, batch: 0 })).rejects.toThrow('batch from 1');
  await expect(exported({ out, opset: 16 })).rejects.toThrow('opset: expected 17 or 18');
  await expect(exported({ out, layout: 'chwn' as never })).rejects.toThrow(
    'nhwc or nchw, got chwn',
  );
  await expect(exported({ out, height: 70 })).rejects.toThrow(
    'height: expected a multiple of 32 for a raw detector, got 70',
  );
  await expect(exported({ out }, { task: 'pretrain' as never })).rejects.toThrow(
    'got a pre-trained encoder',
  );
  expect(existsSync(out)).toBe(false);
});

test('options of loading beside an open model are refused, as they would have no effect', async () => {
  const loaded = await load(weights, { task: 'detect', size: 64 });
  const out = join(folder, 'none.onnx');
  for (const options of [{ ema: true }, { size: 96 }, { classes: ['a'] }, { score: 0.5 }])
    await expect(exportOnnx(loaded, { out, ...options })).rejects.toThrow(
      `${Object.keys(options)[0]}: expected it where the model is opened`,
    );
  expect(existsSync(out)).toBe(false);
});

test('outputs that differ, are missing or are no numbers are errors', () => {
  const output = (...values: number[]): HostTensors => ({
    logits: { shape: [values.length], data: Float32Array.from(values) },
  });
  expect(compareOutputs(output(1, 2), output(1, 2.001))).toMatchObject([
    { name: 'logits', count: 2 },
  ]);
  for (const wrong of [output(1, 2.1), output(1), output(1, NaN), {}])
    expect(() => compareOutputs(wrong, output(1, 2))).toThrow(WorkError);
});

describe('detections', () => {
  interface Row {
    readonly box: readonly number[];
    readonly score: number;
    readonly k: number;
    readonly mask?: number;
  }
  const tables = (rows: readonly Row[], filling = 0): HostTensors => {
    const all = [
      ...rows,
      ...Array.from({ length: filling }, () => ({ box: [0, 0, 0, 0], score: 0, k: 0, mask: 0 })),
    ];
    const floats = (values: readonly number[]): { shape: number[]; data: Float32Array } => ({
      shape: [values.length],
      data: Float32Array.from(values),
    });
    return {
      count: { shape: [1], data: Int32Array.of(rows.length) },
      scores: floats(all.map(({ score }) => score)),
      classes: { shape: [all.length], data: Int32Array.from(all, ({ k }) => k) },
      boxes: floats(all.flatMap(({ box }) => box)),
      masks: floats(all.map(({ mask = 0.5 }) => mask)),
    };
  };
  const a: Row = { box: [0, 0, 100, 100], score: 0.9, k: 1 };
  const b: Row = { box: [50, 0, 200, 100], score: 0.9, k: 1 };

  test('may come in another order, with filling behind them', () => {
    const near: Row = { ...a, box: [0.01, 0, 100, 100] };
    const differences = compareDetections(tables([b, near], 3), tables([a, b]));
    expect(differences.map(({ name, count }) => [name, count])).toEqual([
      ['count', 2],
      ['scores', 2],
      ['boxes', 2],
      ['masks', 2],
    ]);
    expect(differences[2].maxAbsDifference).toBeCloseTo(0.01, 5);
  });

  test('of which there are none are equal', () => {
    expect(compareDetections(tables([], 5), tables([]))[0].count).toBe(0);
  });

  test.each<[string, readonly Row[]]>([
    ['another class', [a, { ...b, k: 2 }]],
    ['another box', [a, { ...b, box: [50, 1, 200, 100] }]],
    ['another score', [a, { ...b, score: 0.8 }]],
    ['another mask', [a, { ...b, mask: 0.7 }]],
    ['one less', [a]],
    ['one more', [a, b, { ...b, k: 5 }]],
  ])('differ: %s', (_, rows) => {
    expect(() => compareDetections(tables(rows), tables([a, b]))).toThrow(WorkError);
  });
});
