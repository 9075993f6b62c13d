import { viewOf } from '../data-view.js';

/** Reads bytes of a file; fewer at its end. */
type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

const TILE_WIDTH = 322;

/**
 * Whether the pixels of the first picture of a TIFF or BigTIFF are in tiles, so that a part of it can be decoded alone.
 * Files in strips are decoded from the top on.
 *
 * @returns false for what is no TIFF
 * @see TIFF 6.0, sections 2 and 15
 */
export async function hasTiffTiles(read: ReadRange): Promise<boolean> {
  const head = viewOf(await read(0, 16));
  if (head.byteLength < 16) return false;
  const little = head.getUint16(0) === 0x4949;
  if (!little && head.getUint16(0) !== 0x4d4d) return false;
  const version = head.getUint16(2, little);
  if (version !== 42 && version !== 43) return false;
  const isBig = version === 43;
  const at = isBig ? Number(head.getBigUint64(8, little)) : head.getUint32(4, little);
  const [countBytes, entryBytes] = isBig ? [8, 20] : [2, 12];
  const count = viewOf(await read(at, countBytes));
  if (count.byteLength < countBytes) return false;
  const numEntries = isBig ? Number(count.getBigUint64(0, little)) : count.getUint16(0, little);
  const entries = viewOf(await read(at + countBytes, entryBytes * Math.min(numEntries, 1 << 16)));
  for (let e = 0; e + entryBytes <= entries.byteLength; e += entryBytes)
    if (entries.getUint16(e, little) === TILE_WIDTH) return true;
  return false;
}
