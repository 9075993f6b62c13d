// Runs the files of exported-files.mjs in onnxruntime-web (WebAssembly), and compares what they give with what this library
// computes; of int8, with onnxruntime-node.
//
//     node test/oracles/exported-files-web.mjs FOLDER
//
// Prints the largest differences by architecture and precision, and exits with 1 if one is too large. Run with
// onnxruntime-web 1.30.0.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { compareDetections } from '../../dist/inference/export/compare-detections.js';
import { compareOutputs } from '../../dist/inference/export/compare.js';

const folder = process.argv[2];
if (!folder) throw new Error('usage: exported-files-web.mjs FOLDER');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Of values as a part of the largest one, and of detections; scores and boxes that differ by more are missing ones. */
const LIMITS = {
  fp32: { value: 1e-4, detections: { missing: 0, score: 1e-4, box: 1e-4, mask: 1e-4 } },
  fp16: { value: 1e-2, detections: { missing: 0.05, score: 1e-2, box: 1e-2, mask: 1e-2 } },
  int8: { value: 1e-2, detections: { missing: 0.2, score: 2e-2, box: 1e-2, mask: 5e-2 } },
};
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

function tensorsOf(entries) {
  return Object.fromEntries(
    Object.entries(entries).map(([key, { file, type, shape }]) => {
      const { buffer } = new Uint8Array(readFileSync(join(folder, file)));
      return [key, { type, shape, data: new ARRAYS[type](buffer) }];
    }),
  );
}

async function run(session, inputs) {
  const feeds = Object.entries(inputs).map(([key, { type, data, shape }]) => [
    key,
    new ort.Tensor(type, data, shape),
  ]);
  const results = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(
    Object.entries(results).map(([key, { type, dims, data }]) => [
      key,
      { shape: dims, data: type === 'int64' ? Int32Array.from(data, Number) : data },
    ]),
  );
}

const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
const worst = new Map();
const failures = [];
for (const { name, architecture, task, precision, runs } of manifest) {
  try {
    const session = await ort.InferenceSession.create(readFileSync(join(folder, `${name}.onnx`)));
    const { value, detections } = LIMITS[precision];
    for (const { inputs, expected } of runs) {
      const [found, wanted] = [await run(session, tensorsOf(inputs)), tensorsOf(expected)];
      const lines =
        task === 'detect'
          ? compareDetections(found, wanted, detections)
          : compareOutputs(found, wanted, value);
      for (const { name: output, maxAbsDifference } of lines) {
        const key = `${architecture} ${precision} ${output === 'count' ? 'missing' : output}`;
        worst.set(key, Math.max(worst.get(key) ?? 0, maxAbsDifference));
      }
    }
    await session.release();
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
  }
}
console.log(`${manifest.length} files; onnxruntime-web ${ort.env.versions.web}`);
for (const [key, value] of worst) console.log(key, value.toExponential(1));
for (const failure of failures) console.log(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
