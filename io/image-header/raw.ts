/** Tags of the first picture of a TIFF file: what it is, and the version of Adobe's raw format. */
const NEW_SUBFILE_TYPE = 254;
const DNG_VERSION = 50706;
/** Bit of {@link NEW_SUBFILE_TYPE}: a smaller copy of another picture of the file. */
const REDUCED = 1;
const ENTRY_BYTES = 12;

/**
 * Whether a file that begins as TIFF is a camera's raw photo (CR2, NEF, ARW, DNG), whose first picture is a small preview.
 *
 * @param bytes beginning of the file
 * @see TIFF 6.0, section 2, and TIFF/EP (ISO 12234-2)
 */
export function isRawTiff(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  if (bytes[8] === 0x43 && bytes[9] === 0x52 && bytes[10] === 2) return true; // "CR", version 2
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const directory = view.getUint32(4, little);
  if (directory + 2 > bytes.length) return false;
  const end = directory + 2 + ENTRY_BYTES * view.getUint16(directory, little);
  for (let at = directory + 2; at + ENTRY_BYTES <= Math.min(end, bytes.length); at += ENTRY_BYTES) {
    const tag = view.getUint16(at, little);
    if (tag === DNG_VERSION) return true;
    if (tag === NEW_SUBFILE_TYPE && (view.getUint32(at + 8, little) & REDUCED) === REDUCED)
      return true;
  }
  return false;
}
