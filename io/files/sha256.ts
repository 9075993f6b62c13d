import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { openFile } from './read.js';

/** SHA-256 of a file's content, hexadecimal, in constant memory. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await openFile(file);
  await pipeline(handle.createReadStream({ highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
