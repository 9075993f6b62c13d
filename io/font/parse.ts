import { createRequire } from 'node:module';
import type { Font } from 'opentype.js';

/**
 * Parses a font in TrueType or OpenType, or the first one of a collection. The parser is loaded with the first font,
 * because few pictures need one.
 *
 * @throws Error for another format or a damaged file
 */
export function parseFont(bytes: Buffer): Font {
  const opentype = createRequire(import.meta.url)('opentype.js') as typeof import('opentype.js');
  const { buffer, byteOffset, byteLength } = firstOfCollection(bytes);
  return opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength), { lowMemory: true });
}

/** The first font of a collection (`.ttc`), or the file itself: offsets of tables count from the start of the file. */
function firstOfCollection(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 0, 4) !== 'ttcf') return bytes;
  const at = bytes.readUInt32BE(12);
  const length = 12 + 16 * bytes.readUInt16BE(at + 4);
  const font = Buffer.from(bytes);
  bytes.copy(font, 0, at, at + length);
  return font;
}
