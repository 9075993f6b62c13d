import { AnnotationsError } from '../../core/errors.js';
import { describeNonJson } from '../files/content.js';
import { openFile, readable } from '../files/read.js';
import { CocoScanner, type ScanHandler } from './scanner.js';

const CHUNK_BYTES = 1 << 22;

/** Bytes `[from, to)` of a file. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Options of a scan. */
interface ScanOptions {
  /** Called after every chunk; `true` ends the scan early. */
  readonly stop?: (() => boolean) | undefined;
  /** Bytes read at a time, default 4 MiB. */
  readonly chunkBytes?: number | undefined;
  /**
   * Range of a file that is one list, between elements (see `cutList`); scanned as a list of its own. A range that begins
   * or ends elsewhere is broken JSON.
   */
  readonly range?: ByteRange | undefined;
}

const LIST = { open: Uint8Array.of(0x5b), close: Uint8Array.of(0x5d) };

/**
 * Runs a {@link CocoScanner} over a file, chunk by chunk.
 *
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function scanCocoFile(
  file: string,
  handler: ScanHandler,
  { stop, chunkBytes = CHUNK_BYTES, range }: ScanOptions = {},
): Promise<void> {
  const scanner = new CocoScanner(file, handler);
  const handle = await readable(file, openFile(file));
  try {
    const { size } = await readable(file, handle.stat());
    if (size === 0) throw AnnotationsError.in(file, 'expected JSON, got an empty file');
    const { from, to } = range ?? { from: 0, to: Infinity };
    const buffer = new Uint8Array(Math.min(chunkBytes, size || chunkBytes));
    if (from > 0) scanner.push(LIST.open);
    for (let at = from; at < to;) {
      const wanted = Math.min(buffer.length, to - at);
      const { bytesRead } = await readable(file, handle.read(buffer, 0, wanted, at));
      if (bytesRead === 0) break;
      const other = at === 0 ? describeNonJson(buffer.subarray(0, bytesRead)) : undefined;
      if (other !== undefined) throw AnnotationsError.in(file, `expected JSON, got ${other}`);
      scanner.push(buffer.subarray(0, bytesRead));
      at += bytesRead;
      if (stop?.()) return;
    }
    if (to < size) scanner.push(LIST.close);
  } finally {
    await handle.close();
  }
  scanner.finish();
}
