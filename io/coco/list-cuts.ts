import { fill, openFile, readable } from '../files/read.js';
import type { ByteRange } from './scan-file.js';

/** Bytes in which a cut is looked for; records with larger masks are not cut. */
const WINDOW_BYTES = 1 << 20;

/**
 * Cuts a file that is one list of objects into ranges of about equal size, for threads that scan one each. The places are
 * guesses, a `}`, comma and `{`, which may also occur inside an element: scan every range, and if one of them is broken,
 * the whole file.
 *
 * @returns `count` ranges without the commas between them; undefined if there is no such place
 * @throws DataError if the file cannot be read
 */
export async function cutList(
  file: string,
  count: number,
): Promise<readonly ByteRange[] | undefined> {
  const handle = await readable(file, openFile(file));
  try {
    const { size } = await readable(file, handle.stat());
    const window = Buffer.alloc(Math.min(WINDOW_BYTES, size));
    const ranges: ByteRange[] = [];
    let from = 0;
    for (let i = 1; i < count; i++) {
      const start = Math.floor((size * i) / count);
      const length = await readable(file, fill(handle, window, start));
      const comma = commaBetweenObjects(window.subarray(0, length));
      if (comma < 0 || start + comma <= from) return undefined;
      ranges.push({ from, to: start + comma });
      from = start + comma + 1;
    }
    ranges.push({ from, to: size });
    return ranges;
  } finally {
    await handle.close();
  }
}

/** Position of the first comma between `}` and `{`; −1 if there is none. */
function commaBetweenObjects(bytes: Buffer): number {
  const found = /\}\s*,(?=\s*\{)/.exec(bytes.toString('latin1'));
  return found ? found.index + found[0].length - 1 : -1;
}
