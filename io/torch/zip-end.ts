import { WeightsFileError } from '../../core/errors.js';
import { viewOf } from '../data-view.js';
import type { RandomAccessFile } from '../files/random-access.js';

/** Records at the end of a zip archive: of the directory, of its long form, and of where that is. */
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const LONG_END_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;
const SIGNATURES = { end: 0x06054b50, locator: 0x07064b50, longEnd: 0x06064b50 };

/**
 * Checks the end of a zip archive before yauzl follows its offsets: one beyond the file makes the read throw in a
 * callback, which ends the process.
 *
 * @returns the number of entries
 * @throws WeightsError for a truncated or damaged archive
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.14 to 4.3.16
 */
export async function assertZipEnd(file: RandomAccessFile): Promise<number> {
  const fail = (got: string): never => {
    throw WeightsFileError.in(
      file.path,
      `expected a valid zip archive, got one ${got} (truncated or damaged; fetch it again)`,
    );
  };
  const { sizeBytes } = file;
  const tailStart = Math.max(0, sizeBytes - LOCATOR_BYTES - END_BYTES - MAX_COMMENT_BYTES);
  const tail = viewOf(await file.read(tailStart, sizeBytes - tailStart));
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== SIGNATURES.end) at--;
  if (at < 0) return fail('without end of central directory record');
  if (tail.getUint16(at + 20, true) !== tail.byteLength - at - END_BYTES)
    return fail('with other bytes behind its end');
  const locator = at - LOCATOR_BYTES;
  if (locator < 0 || tail.getUint32(locator, true) !== SIGNATURES.locator) {
    if (tail.getUint32(at + 16, true) > tailStart + at) fail('whose directory is outside of it');
    return tail.getUint16(at + 10, true);
  }
  const position = tail.getBigUint64(locator + 8, true);
  if (position > BigInt(Math.max(0, tailStart + locator - LONG_END_BYTES)))
    return fail('whose end record is outside of it');
  const record = viewOf(await file.read(Number(position), LONG_END_BYTES));
  if (record.getUint32(0, true) !== SIGNATURES.longEnd) return fail('without long end record');
  const [entries, directory] = [32, 48].map((offset) => record.getBigUint64(offset, true));
  if (directory > position) fail('whose directory is outside of it');
  // Every entry takes 46 bytes or more.
  if (entries > BigInt(Math.floor(sizeBytes / 46))) fail(`with ${entries} entries`);
  return Number(entries);
}
