import * as ort from 'onnxruntime-node';
import type { ExportedModel } from '../../../inference/export/export-model.js';
import type { HostTensor } from '../../../engine/runtime/program.js';

/** A tensor given to or returned by an exported file. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Outputs of an exported file as plain numbers. */
export type Found = Readonly<Record<string, { shape: readonly number[]; data: number[] }>>;

/** Runs an exported file as anybody would: from its bytes alone, with ONNX Runtime's defaults. */
export async function runOnnx(
  { bytes }: Pick<ExportedModel, 'bytes'>,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<Found> {
  const [found] = await runAll({ bytes }, [inputs]);
  return found;
}

/** Runs an exported file on several inputs in one session. */
export async function runAll(
  { bytes }: Pick<ExportedModel, 'bytes'>,
  all: readonly Readonly<Record<string, HostTensor>>[],
): Promise<readonly Found[]> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const found: Found[] = [];
  for (const inputs of all) {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        data instanceof Uint8Array
          ? new ort.Tensor('uint8', data, [...shape])
          : new ort.Tensor('float32', data as Float32Array, [...shape]),
      ]),
    );
    const results = await session.run(feeds);
    found.push(
      Object.fromEntries(
        Object.entries(results).map(([name, { dims, data }]) => [
          name,
          { shape: dims, data: Array.from(data as ArrayLike<number | bigint>, Number) },
        ]),
      ),
    );
  }
  await session.release();
  return found;
}

/** Domains and operators of the nodes in an ONNX file, read off its strings. */
export function mentions({ bytes }: Pick<ExportedModel, 'bytes'>, text: string): boolean {
  return Buffer.from(bytes).includes(text);
}
