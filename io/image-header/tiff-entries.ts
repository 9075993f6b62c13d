import { viewOf } from '../data-view.js';

/** Tags of the first picture of a TIFF file: what it is, and the version of Adobe's raw format. */
const NEW_SUBFILE_TYPE = 254;
const DNG_VERSION = 50706;
/** Bit of {@link NEW_SUBFILE_TYPE}: a smaller copy of another picture of the file. */
const REDUCED = 1;
const ENTRY_BYTES = 12;

/**
 * Iterates over the entries of the first directory of a TIFF structure, as far as they are in the bytes: the tag, and the
 * first value read as 16 and as 32 bits.
 *
 * @see TIFF 6.0, section 2
 */
export function* tiffEntries(
  tiff: Uint8Array,
): Generator<readonly [tag: number, short: number, long: number]> {
  if (tiff.length < 8) return;
  const view = viewOf(tiff);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return;
  const end = directory + 2 + ENTRY_BYTES * view.getUint16(directory, little);
  for (let at = directory + 2; at + ENTRY_BYTES <= Math.min(end, tiff.length); at += ENTRY_BYTES)
    yield [
      view.getUint16(at, little),
      view.getUint16(at + 8, little),
      view.getUint32(at + 8, little),
    ];
}

/**
 * Whether a file that begins as TIFF is a camera's raw photo (CR2, NEF, ARW, DNG), whose first picture is a small preview.
 *
 * @param bytes beginning of the file
 * @see TIFF/EP (ISO 12234-2)
 */
export function isRawTiff(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  if (bytes[8] === 0x43 && bytes[9] === 0x52 && bytes[10] === 2) return true; // "CR", version 2
  for (const [tag, , long] of tiffEntries(bytes))
    if (tag === DNG_VERSION || (tag === NEW_SUBFILE_TYPE && (long & REDUCED) === REDUCED))
      return true;
  return false;
}
