/** What a JPEG says about itself beside the pixels. */
export interface JpegTags {
  /** EXIF orientation as it stands in the file: 1–8, or another number, which is invalid; 1 where there is none. */
  readonly orientation: number;
  /** Whether an ICC profile is embedded. */
  readonly colourProfile: boolean;
}

/**
 * Reads the tags from the beginning of a file; a file that is no JPEG, or is cut short, has none beyond that.
 *
 * @see Exif 2.32 section 4.6 and ICC.1:2010 annex B.4
 */
export function readJpegTags(bytes: Uint8Array): JpegTags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  let colourProfile = false;
  if (bytes.length < 2 || view.getUint16(0) !== 0xffd8) return { orientation, colourProfile };
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    if (marker === 0xda || marker === 0xd9) break; // pixels begin, or the image ends
    const length = view.getUint16(at + 2);
    const payload = bytes.subarray(at + 4, at + 2 + Math.max(2, length));
    if (marker === 0xe1 && startsWith(payload, 'Exif\0\0'))
      orientation = orientationOf(payload.subarray(6));
    if (marker === 0xe2 && startsWith(payload, 'ICC_PROFILE\0')) colourProfile = true;
    at += 2 + Math.max(2, length);
  }
  return { orientation, colourProfile };
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Tag 0x0112 of the first directory of a TIFF structure. */
function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const numEntries = view.getUint16(directory, little);
  for (let e = 0; e < numEntries; e++) {
    const entry = directory + 2 + 12 * e;
    if (entry + 12 > tiff.length) return 1;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    return view.getUint16(entry + 8, little);
  }
  return 1;
}
