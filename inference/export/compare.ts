import { ConfigError, ExportError } from '../../core/errors.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';

/** Largest difference of one output of a file from ours. */
export interface OutputDifference {
  readonly name: string;
  readonly maxAbsDifference: number;
  /** Largest of our values. */
  readonly maxAbs: number;
  /** Number of values, of detections for a detector, that were compared. */
  readonly count: number;
}

/** Differences above this part of the largest value are an error. */
const TOLERANCE = 1e-3;

/**
 * Runs an ONNX file in ONNX Runtime, as a stranger would.
 *
 * @throws ConfigError without onnxruntime-node
 */
export async function runFile(bytes: Uint8Array, inputs: HostTensors): Promise<HostTensors> {
  const { kind, ort } = await loadOnnxRuntime();
  if (kind !== 'native')
    throw new ConfigError(
      'export: expected onnxruntime-node to check the file, got none; run: npm install onnxruntime-node@1.30.0',
    );
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [
      name,
      new ort.Tensor('float32', data as Float32Array, [...shape]),
    ]),
  );
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]): [string, HostTensor] => [
      name,
      {
        shape: dims,
        data:
          data instanceof Float32Array
            ? data
            : Int32Array.from(data as ArrayLike<number | bigint>, Number),
      },
    ]),
  );
}

/**
 * Compares all values of a file's outputs with ours.
 *
 * @throws WorkError if an output is missing or differs by more than a thousandth of the largest value
 */
export function compareOutputs(
  found: HostTensors,
  expected: HostTensors,
): readonly OutputDifference[] {
  return Object.entries(expected).map(([name, { data }]) => {
    const values = found[name]?.data;
    if (values?.length !== data.length)
      throw new ExportError(
        `export: expected ${data.length} values of ${name}, got ${values?.length ?? 'none'}`,
      );
    let [difference, largest] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      difference = Math.max(difference, Math.abs(values[i] - data[i]));
      largest = Math.max(largest, Math.abs(data[i]));
    }
    // Not `>`: a difference that is not a number is an error too.
    if (!(difference <= TOLERANCE * Math.max(largest, 1e-6)))
      throw new ExportError(
        `export: expected ${name} as this library computes it, got a difference of ${difference} (largest value ${largest})`,
      );
    return { name, maxAbsDifference: difference, maxAbs: largest, count: data.length };
  });
}
