import * as ort from 'onnxruntime-node';
import type { ExportedModel } from '../../../inference/export/export-model.js';

/** A tensor given to or returned by an exported file. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Runs an exported file as anybody would: from its bytes alone, with ONNX Runtime's defaults. */
export async function runOnnx(
  { bytes }: Pick<ExportedModel, 'bytes'>,
  inputs: Readonly<Record<string, Values>>,
): Promise<Readonly<Record<string, { shape: readonly number[]; data: number[] }>>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [
      name,
      new ort.Tensor('float32', data, [...shape]),
    ]),
  );
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: Array.from(data as ArrayLike<number | bigint>, Number) },
    ]),
  );
}

/** Domains and operators of the nodes in an ONNX file, read off its strings. */
export function mentions({ bytes }: Pick<ExportedModel, 'bytes'>, text: string): boolean {
  return Buffer.from(bytes).includes(text);
}
