/** What a picture file says of itself. */
export interface PictureHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Reads the header of a PNG or JPEG file.
 *
 * @returns undefined if it is neither
 */
export function pictureHeader(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 26 && view.getUint32(0) === 0x89504e47) return pngHeader(view);
  return bytes.length >= 4 && view.getUint16(0) === 0xffd8 ? jpegHeader(view) : undefined;
}

/** Channels by PNG colour type; a palette decodes to RGB. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

function pngHeader(view: DataView): PictureHeader {
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    channels: CHANNELS[view.getUint8(25)] ?? 3,
  };
}

/** Walks over the segments (marker, length, content) to the one that begins a frame. */
function jpegHeader(view: DataView): PictureHeader | undefined {
  for (let at = 2; at + 10 <= view.byteLength && view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1);
    // C4, C8 and CC lie among the frames' markers and are tables.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return {
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        channels: view.getUint8(at + 9),
      };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
