import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../../engine/runtime/engine.js';
import { compareDetections } from '../../../inference/export/compare-detections.js';
import { compareOutputs, openFile } from '../../../inference/export/compare.js';
import { exportModel } from '../../../inference/export/export-model.js';
import { exportFormat, type FormatOptions } from '../../../inference/export/format.js';
import { halfPrecision } from '../../../inference/export/half-precision.js';
import { references } from '../../../inference/export/references.js';
import { load } from '../../../inference/open.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { saveSmallModels, type SmallModels } from '../../serve/small-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-pictures-'));
let engine: Engine;
let models: SmallModels;
beforeAll(async () => {
  engine = await engineOf('compiled');
  models = await saveSmallModels(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Exports a small model in half precision or as it is, runs it on a landscape and a portrait picture, and compares the results with ours. */
async function largestDifference(
  task: keyof SmallModels,
  options: FormatOptions,
  isHalf = false,
): Promise<Record<string, number>> {
  const loaded = await load(models[task]);
  const format = exportFormat(options);
  const precision = isHalf ? ({ name: 'fp16', change: halfPrecision } as const) : undefined;
  const file = await openFile(exportModel({ loaded, format, precision }).bytes);
  const most: Record<string, number> = {};
  for (const { inputs, expected } of await references(loaded, format, engine)) {
    const found = await file.run(inputs);
    const lines =
      task === 'detect'
        ? compareDetections(found, expected, { missing: 0, score: 1e-2, box: 1e-2, mask: 1e-2 })
        : compareOutputs(found, expected, 1e-2);
    for (const { name, maxAbsDifference } of lines)
      most[name] = Math.max(most[name] ?? 0, maxAbsDifference);
  }
  await file.release();
  return most;
}

const BATCH = { batch: 3, layout: 'nchw', input: 'float' } as const;

test.each<[keyof SmallModels, FormatOptions]>([
  ['classify', {}],
  ['classify', BATCH],
  ['classify', { ...BATCH, raw: true, height: 64, width: 96 }],
  ['classify', { opset: 17 }],
  ['segment', {}],
  ['segment', BATCH],
  ['segment', { ...BATCH, raw: true, height: 64, width: 96, opset: 17 }],
  ['detect', {}],
  ['detect', { ...BATCH, opset: 17 }],
  ['detect', { ...BATCH, raw: true, height: 96, width: 64 }],
])('%s %j: results are ours in landscape and portrait', async (task, options) => {
  const differences = await largestDifference(task, options);
  const { count, boxes, ...values } = differences;
  for (const value of Object.values(values)) expect(value).toBeLessThan(1e-5);
  expect(Object.keys(values).length).toBeGreaterThan(0);
  if (task !== 'detect') return;
  expect(count).toBe(0);
  expect(boxes).toBeLessThan(1e-3);
});

test('a segmenter’s classes of all pixels are ours', async () => {
  expect(await largestDifference('segment', { argmax: true, batch: 3 })).toEqual({ labels: 0 });
});

test.each(['classify', 'segment', 'detect'] as const)(
  '%s: in half precision, results differ by less than a hundredth, but by more than in single precision',
  async (task) => {
    const { count, boxes, ...values } = await largestDifference(task, { opset: 18 }, true);
    expect(Math.max(...Object.values(values))).toBeGreaterThan(1e-5);
    expect(Math.max(...Object.values(values))).toBeLessThan(1e-2);
    if (task === 'detect') expect([count, boxes < 0.1]).toEqual([0, true]);
  },
);
