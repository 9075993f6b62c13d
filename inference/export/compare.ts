import { ConfigError, ExportError } from '../../core/errors.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';

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

/** An exported file in ONNX Runtime. */
export interface OpenFile {
  run(inputs: HostTensors): Promise<HostTensors>;
  release(): Promise<void>;
}

/**
 * Opens an ONNX file in ONNX Runtime, as a stranger would.
 *
 * @param file its bytes or path
 * @throws ConfigError without onnxruntime-node
 */
export async function openFile(file: Uint8Array | string): Promise<OpenFile> {
  const { kind, ort } = await loadOnnxRuntime();
  if (kind !== 'native')
    throw new ConfigError(
      'export: expected onnxruntime-node to check the file, got none; run: npm install onnxruntime-node@1.30.0',
    );
  const session = await ort.InferenceSession.create(file as Uint8Array, { logSeverityLevel: 3 });
  return {
    run: async (inputs) => {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { shape, data }]) => [
          name,
          data instanceof Uint8Array
            ? new ort.Tensor('uint8', data, [...shape])
            : new ort.Tensor('float32', data as Float32Array, [...shape]),
        ]),
      );
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([name, { dims, data }]): [string, HostTensor] => [
          name,
          {
            shape: dims,
            data:
              data instanceof Float32Array || data instanceof Uint8Array
                ? data
                : Int32Array.from(data as ArrayLike<number | bigint>, Number),
          },
        ]),
      );
    },
    release: () => session.release(),
  };
}

/**
 * Compares all values of a file's outputs with ours.
 *
 * @param tolerance largest difference as a part of the largest value; of classes, largest part that differs
 * @throws ExportError if an output is missing or differs by more
 */
export function compareOutputs(
  actual: HostTensors,
  expected: HostTensors,
  tolerance = TOLERANCE,
): readonly OutputDifference[] {
  return Object.entries(expected).map(([name, { data }]) => {
    const values = actual[name]?.data;
    if (values?.length !== data.length)
      throw new ExportError(
        `export: expected ${data.length} values of ${name}, got ${values?.length ?? 'none'}`,
      );
    if (data instanceof Uint8Array) return compareLabels(name, values, data, tolerance);
    let [difference, largest] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      difference = Math.max(difference, Math.abs(values[i] - data[i]));
      largest = Math.max(largest, Math.abs(data[i]));
    }
    // Not `>`: a difference that is not a number is an error too.
    if (!(difference <= tolerance * Math.max(largest, 1e-6)))
      throw new ExportError(
        `export: expected ${name} as this library computes it, got a difference of ${difference} (largest value ${largest})`,
      );
    return { name, maxAbsDifference: difference, maxAbs: largest, count: data.length };
  });
}

/** Compares classes: the difference is the number of pixels that have another one. */
function compareLabels(
  name: string,
  actual: ArrayLike<number>,
  expected: Uint8Array,
  tolerance: number,
): OutputDifference {
  const differing = expected.reduce((sum, label, i) => sum + Number(actual[i] !== label), 0);
  if (differing > tolerance * expected.length)
    throw new ExportError(
      `export: expected the classes that this library finds, got others at ${differing} of ${expected.length} pixels`,
    );
  const maxAbs = expected.reduce((most, label) => Math.max(most, label), 0);
  return { name, maxAbsDifference: differing, maxAbs, count: expected.length };
}
