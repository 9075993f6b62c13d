import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RgbImage } from '../../../core/image.js';
import { compareDetections } from '../../../inference/export/compare-detections.js';
import { compareOutputs } from '../../../inference/export/compare.js';
import { exportModel } from '../../../inference/export/export-model.js';
import { exportFormat } from '../../../inference/export/format.js';
import { references } from '../../../inference/export/references.js';
import { open } from '../../../inference/open.js';
import type { HostTensors } from '../../../engine/runtime/program.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import { saveSmallModels, type SmallModels } from '../../serve/small-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-documented-'));
let models: SmallModels;
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  models = await saveSmallModels(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The JavaScript of docs/export.md as a function of what a page has. */
function documented(): (...page: unknown[]) => Promise<void> {
  const text = readFileSync(new URL('../../../docs/export.md', import.meta.url), 'utf8');
  const code = /```js\nimport .*\n([\s\S]*?)```/.exec(text)![1];
  const body = `return (async () => {${code}})();`;
  return Function('ort', 'canvas', 'context', 'console', body) as ReturnType<typeof documented>;
}

/** A canvas with a picture, and its context. */
function canvasOf({ width, height, data }: RgbImage): readonly [object, object] {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++)
    rgba.set([...data.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  return [{ width, height }, { getImageData: () => ({ width, height, data: rgba }) }];
}

test('the lines for the browser print the objects that predict finds', async () => {
  const model = await open(models.detect, { perClassNms: true, score: 0 });
  const file = join(folder, 'model.onnx');
  writeFileSync(file, exportModel({ loaded: model.loaded, format: exportFormat({}) }).bytes);
  const data = Uint8Array.from({ length: 3 * 80 * 60 }, (_, i) => (i * i) % 251);
  const picture = { width: 80, height: 60, data };
  const [canvas, context] = canvasOf(picture);
  const lines: [number, number, Float32Array][] = [];
  const sessions = { create: () => ort.InferenceSession.create(readFileSync(file)) };
  await documented()({ ...ort, InferenceSession: sessions }, canvas, context, {
    log: (...line: [number, number, Float32Array]) => lines.push(line),
  });
  const result = await model.predict(picture);
  await model.release();
  const { objects } = result as Extract<typeof result, { task: 'detect' }>;
  expect(objects.length).toBeGreaterThan(5);
  expect(lines.map(([k]) => Number(k))).toEqual(objects.map(({ classIndex }) => classIndex));
  objects.forEach(({ score, box: [x, y, width, height] }, d) => {
    expect(lines[d][1]).toBeCloseTo(score, 4);
    [x, y, x + width, y + height].forEach((side, i) => expect(lines[d][2][i]).toBeCloseTo(side, 2));
  });
});

test.each(['classify', 'segment', 'detect'] as const)('onnxruntime-web: %s', async (task) => {
  const engine = await openEngine();
  const { loaded, release } = await open(models[task], { engine });
  const format = exportFormat({ batch: 3, layout: 'nchw', opset: 19 });
  const session = await ort.InferenceSession.create(exportModel({ loaded, format }).bytes);
  for (const { inputs, expected } of await references(loaded, format, engine)) {
    const { shape, data } = inputs['image'];
    const image = new ort.Tensor('uint8', data as Uint8Array, [...shape]);
    const results = await session.run({ image });
    const found = Object.fromEntries(
      Object.entries(results).map(([name, value]) => [
        name,
        {
          shape: value.dims,
          data:
            value.type === 'int64'
              ? Int32Array.from(value.data as BigInt64Array, Number)
              : (value.data as Float32Array),
        },
      ]),
    ) as HostTensors;
    const lines =
      task === 'detect'
        ? compareDetections(found, expected)
        : compareOutputs(found, expected, 1e-4);
    expect(lines.length).toBeGreaterThan(0);
  }
  await session.release();
  await release();
});
