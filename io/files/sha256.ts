import { createHash } from 'node:crypto';
import { fill, openFile } from './read.js';

const PART_BYTES = 2 ** 20;

/** SHA-256 of a file's content, hexadecimal, in constant memory: a part is hashed while the next one is read. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await openFile(file);
  try {
    const parts = [new Uint8Array(PART_BYTES), new Uint8Array(PART_BYTES)];
    let length = await fill(handle, parts[0], null);
    for (let i = 0; length > 0; i = 1 - i) {
      const next = fill(handle, parts[1 - i], null);
      hash.update(parts[i].subarray(0, length));
      length = await next;
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** SHA-256 of a text, or of the bytes of an array, in hexadecimal. */
export function sha256Of(data: string | Float32Array | Float64Array): string {
  const bytes =
    typeof data === 'string' ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}
