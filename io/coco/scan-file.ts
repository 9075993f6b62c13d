import { DataError } from '../../core/errors.js';
import { describeNonJson } from '../files/content.js';
import { openFile, readable } from '../files/read.js';
import { CocoScanner, type ScanHandler } from './scanner.js';

const CHUNK_BYTES = 1 << 22;

/** Options of a scan. */
interface ScanOptions {
  /** Called after every 4 MiB; `true` ends the scan early. */
  readonly stop?: (() => boolean) | undefined;
}

/**
 * Runs a {@link CocoScanner} over a file, 4 MiB at a time.
 *
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function scanCocoFile(
  file: string,
  handler: ScanHandler,
  { stop }: ScanOptions = {},
): Promise<void> {
  const scanner = new CocoScanner(file, handler);
  const handle = await readable(file, openFile(file));
  try {
    const { size } = await readable(file, handle.stat());
    if (size === 0) throw DataError.in(file, 'expected JSON, got an empty file');
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, size || CHUNK_BYTES));
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead } = await readable(file, handle.read(buffer, 0, buffer.length));
      if (bytesRead === 0) break;
      const other = isFirst ? describeNonJson(buffer.subarray(0, bytesRead)) : undefined;
      if (other !== undefined) throw DataError.in(file, `expected JSON, got ${other}`);
      scanner.push(buffer.subarray(0, bytesRead));
      if (stop?.()) return;
    }
  } finally {
    await handle.close();
  }
  scanner.finish();
}
