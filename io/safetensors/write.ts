import { WeightsFileError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { writeAtomically, type WrittenFile } from '../files/atomic.js';
import { BYTES_PER_ELEMENT, numBytes, type DType } from '../tensor.js';

/** A tensor to write. `data` is called just before writing, so that only one tensor is in memory. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Returns raw little-endian elements, contiguous (F16 and BF16 as `Uint16Array`); a view is enough. */
  readonly data: ArrayBufferView | (() => ArrayBufferView | Promise<ArrayBufferView>);
}

/**
 * Writes a safetensors file of any size, atomically, streaming one tensor at a time. Wider elements come first, so that
 * every tensor is aligned to its element size.
 *
 * @throws WeightsError if a name occurs twice or the data do not fit dtype and shape
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenFile> {
  const ordered = [...tensors].sort(
    (a, b) => BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype],
  );
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  let position = 0;
  for (const { name, dtype, shape } of ordered) {
    if (header.has(name) || name === '__metadata__') {
      throw WeightsFileError.in(file, `expected every tensor name once, got "${name}" again`);
    }
    const end = position + numBytes(dtype, shape);
    header.set(name, { dtype, shape, data_offsets: [position, end] });
    position = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padding = (8 - (text.byteLength % 8)) % 8; // the data starts at a multiple of 8
  const head = new Uint8Array(8 + text.byteLength + padding).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.byteLength + padding), true);
  head.set(text, 8);
  return writeAtomically(file, async (write) => {
    await write(head);
    for (const { name, dtype, shape, data } of ordered) {
      const view = typeof data === 'function' ? await data() : data;
      const expected = numBytes(dtype, shape);
      if (view.byteLength !== expected) {
        throw WeightsFileError.in(
          file,
          `expected ${expected} bytes for ${dtype} tensor "${name}" of shape ${formatShape(shape)}, got ${view.byteLength}`,
        );
      }
      await write(view);
    }
  });
}
