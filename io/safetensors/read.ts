import { WeightsFileError } from '../../core/errors.js';
import { RandomAccessFile } from '../files/random-access.js';
import { decodeValues, type LazyTensor, type TensorSource } from '../tensor.js';
import { MAX_HEADER_BYTES, parseHeader } from './header.js';

function decodedHeader(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw WeightsFileError.in(path, 'expected a safetensors header in UTF-8, got other bytes', {
      cause,
    });
  }
}

/** Number of bytes before the header, which give its length. */
const PREFIX_BYTES = 8;

/**
 * Opens a safetensors file: reads only the header; tensors are read by ranges later. The metadata is in `plain`.
 *
 * @throws WeightsError if lengths, offsets, dtypes or shapes of the header are inconsistent
 */
export async function openSafetensors(path: string): Promise<TensorSource> {
  const file = await RandomAccessFile.open(path);
  try {
    const prefix = await file.read(0, PREFIX_BYTES);
    const length = new DataView(prefix.buffer).getBigUint64(0, true);
    const room = file.sizeBytes - PREFIX_BYTES;
    if (length > BigInt(Math.min(room, MAX_HEADER_BYTES))) {
      throw WeightsFileError.in(
        path,
        `expected a safetensors header of at most ${Math.min(room, MAX_HEADER_BYTES)} bytes, got a length of ${length}`,
      );
    }
    const headerBytes = Number(length);
    const text = decodedHeader(path, await file.read(PREFIX_BYTES, headerBytes));
    const dataStart = PREFIX_BYTES + headerBytes;
    const header = parseHeader(path, text, file.sizeBytes - dataStart);
    const tensors = new Map<string, LazyTensor>();
    for (const [name, { dtype, unreadable, shape, start, end }] of header.entries) {
      const place = { file: path, name };
      const read = async (room?: Uint8Array<ArrayBuffer>) => {
        if (unreadable !== undefined)
          throw WeightsFileError.in(
            path,
            `tensor "${name}": expected floats or whole numbers, got ${unreadable} (save it as float32)`,
            { id: name },
          );
        return decodeValues(dtype, await file.read(dataStart + start, end - start, room), place);
      };
      tensors.set(name, { dtype, unreadable, shape, read });
    }
    return {
      file: path,
      container: 'safetensors',
      tensors,
      plain: header.metadata,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
