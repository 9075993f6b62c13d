import { createHash } from 'node:crypto';
import { forParts } from './file-parts.js';

/** SHA-256 of a file's content, hexadecimal, in constant memory. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await forParts(file, (part) => hash.update(part));
  return hash.digest('hex');
}

/** SHA-256 of a text, or of the bytes of an array, in hexadecimal. */
export function sha256Of(data: string | Float32Array | Float64Array): string {
  const bytes =
    typeof data === 'string' ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}
