import { writeSafetensors } from '../../io/safetensors/write.js';
import { tensorOf, type LazyTensor, type TensorMap } from '../../io/tensor.js';

/** Writes tensors to a safetensors file. @returns the file */
export async function saved(file: string, tensors: TensorMap): Promise<string> {
  const toWrite = [...tensors].map(([tensor, { shape, read }]) => ({
    name: tensor,
    dtype: 'F32' as const,
    shape,
    data: read,
  }));
  await writeSafetensors(file, toWrite);
  return file;
}

/** Parameter of a layer whose values do not matter. */
export const layer = (...shape: readonly number[]): LazyTensor =>
  tensorOf(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape);
