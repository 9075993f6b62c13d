import { crc32 } from '../crc32.js';
import { forParts } from './file-parts.js';
import { sha256OfFile } from './sha256.js';

/** Kinds of checksums of files. CRC-32 finds damage, and takes a third of the time of SHA-256. */
export type ChecksumKind = 'crc32' | 'sha256';

/** A checksum of a file's content, hexadecimal, in constant memory. */
export async function checksumOfFile(file: string, kind: ChecksumKind): Promise<string> {
  if (kind === 'sha256') return sha256OfFile(file);
  let crc = 0;
  await forParts(file, (part) => {
    crc = crc32(part, crc);
  });
  return crc32Text(crc);
}

/** A CRC-32 as eight hexadecimal digits. */
export const crc32Text = (crc: number): string => (crc >>> 0).toString(16).padStart(8, '0');
