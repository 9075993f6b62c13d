import { crc32, deflateSync } from 'node:zlib';

/** A PNG chunk with its checksum. */
export function pngChunk(type: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([frame, body, check]);
}

/** Content of the file of {@link buildPng}; nothing is checked. */
export interface PngDescription {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colorType: number;
  readonly interlace?: number;
  readonly palette?: Uint8Array;
  /** Filtered rows, before compression. */
  readonly rows: Uint8Array;
  /** Chunks before the pixels. */
  readonly extra?: readonly Uint8Array[];
}

/** Writes a PNG by the book, so that every pixel format and every mistake can be made. */
export function buildPng(png: PngDescription): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(png.width, 0);
  header.writeUInt32BE(png.height, 4);
  header.set([png.bitDepth, png.colorType, 0, 0, png.interlace ?? 0], 8);
  const data = deflateSync(png.rows);
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    pngChunk('IHDR', header),
    ...(png.palette ? [pngChunk('PLTE', png.palette)] : []),
    ...(png.extra ?? []),
    pngChunk('IDAT', data.subarray(0, data.length >> 1)),
    pngChunk('IDAT', data.subarray(data.length >> 1)),
    pngChunk('IEND', new Uint8Array(0)),
  ]);
}
