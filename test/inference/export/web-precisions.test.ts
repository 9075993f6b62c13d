import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from '../../../engine/runtime/engine.js';
import type { HostTensors } from '../../../engine/runtime/program.js';
import {
  compareDetections,
  type DetectionTolerances,
} from '../../../inference/export/compare-detections.js';
import { compareOutputs, openFile } from '../../../inference/export/compare.js';
import { exportOnnx } from '../../../inference/export/export-onnx.js';
import { exportFormat } from '../../../inference/export/format.js';
import { references } from '../../../inference/export/references.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { noise } from '../../serve/small-models.js';
import { WIDE_MODELS } from './wide-models.js';

const { path } = temporaryFolder();
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  mkdirSync(path('pictures'), { recursive: true });
  for (const seed of [1, 2, 3])
    writeFileSync(
      path(`pictures/${seed}.png`),
      await noise({ width: 97, height: 64 }, 'png', seed),
    );
});

async function inWeb(session: ort.InferenceSession, inputs: HostTensors): Promise<HostTensors> {
  const { shape, data } = inputs['image'];
  const image = new ort.Tensor('uint8', data as Uint8Array, [...shape]);
  const results = await session.run({ image });
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, dims, data: values }]) => [
      name,
      {
        shape: dims,
        data:
          type === 'int64'
            ? Int32Array.from(values as BigInt64Array, Number)
            : (values as Float32Array),
      },
    ]),
  );
}

/** Differences of a file in half precision from ours, and of one in bytes from its own results in onnxruntime-node. */
const MOST: Readonly<
  Record<'fp16' | 'int8', { readonly value: number; readonly detections: DetectionTolerances }>
> = {
  fp16: { value: 1e-2, detections: { missing: 0.1, score: 1e-2, box: 1e-2, mask: 5e-2 } },
  // A box at the edge between two bytes may come out elsewhere: the weights are random.
  int8: { value: 1e-3, detections: { missing: 0.2, score: 2e-2, box: 0.1, mask: 1 } },
};

test.each([
  ['classify', 'fp16'],
  ['segment', 'fp16'],
  ['detect', 'fp16'],
  ['classify', 'int8'],
  ['segment', 'int8'],
  ['detect', 'int8'],
] as const)('onnxruntime-web runs the file: %s in %s', async (task, precision) => {
  const loaded = WIDE_MODELS[task]();
  const out = path(`${task}-${precision}.onnx`);
  const calibrate = precision === 'int8' ? path('pictures') : undefined;
  const { bytes } = await exportOnnx(loaded, { out, precision, calibrate });
  expect(bytes).toBe(readFileSync(out).length);
  const web = await ort.InferenceSession.create(readFileSync(out));
  const native = await openFile(out);
  const { value, detections } = MOST[precision];
  const [{ inputs, expected }] = await references(
    loaded,
    exportFormat({ height: 64, width: 97 }),
    await openEngine(),
  );
  const found = await inWeb(web, inputs);
  const wanted = precision === 'int8' ? await native.run(inputs) : expected;
  const lines =
    task === 'detect'
      ? compareDetections(found, wanted, detections)
      : compareOutputs(found, wanted, value);
  expect(lines.every(({ count }) => count > 0)).toBe(true);
  await web.release();
  await native.release();
});
