import { crc32 } from '../../io/crc32.js';

/*
 * Frames around the content of binary formats, so that damage of the content is not refused for a length or a checksum
 * before a reader sees it.
 */

/** A safetensors file with this header. */
export function safetensorsFile(header: string, numBytes: number): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(numBytes, 1)]);
}

/** A part of an evaluation with this header. */
export function partFile(header: string, numBytes: number): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from('CNV2PART'), length, text, Buffer.alloc(numBytes, 1)]);
}

/** Makes the checksums of a PNG's chunks right. */
export function withPngChecksums(bytes: Uint8Array): Uint8Array {
  const png = Buffer.from(bytes);
  for (let at = 8; at + 12 <= png.length;) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 > png.length) break;
    png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return png;
}

/** Makes the checksums of a zip archive's stored entries right, in the central directory and before the entries. */
export function withZipChecksums(bytes: Uint8Array): Uint8Array {
  const zip = Buffer.from(bytes);
  const has = (at: number, size: number): boolean => at >= 0 && at + size <= zip.length;
  const end = zip.lastIndexOf(Buffer.from('PK\u0005\u0006'));
  if (!has(end, 22)) return zip;
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0 && has(at, 46); n--) {
    const [size, local] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 42)];
    if (has(local, 30)) {
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      if (has(start, size)) {
        const sum = crc32(zip.subarray(start, start + size));
        zip.writeUInt32LE(sum, at + 16);
        zip.writeUInt32LE(sum, local + 14);
      }
    }
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return zip;
}
