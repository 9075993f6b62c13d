import { expect, test } from 'vitest';
import { decodePngColors } from '../../../io/png/colors.js';
import { encodeIndexedPng } from '../../../io/png/indexed.js';
import { decodePngIndices } from '../../../io/png/indices.js';
import { withPngChecksums } from '../../fuzz/frames.js';

test('an index beyond the palette is a label, and no color', () => {
  const map = { width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 0, 255, 1) };
  const whole = encodeIndexedPng(map, Uint8Array.of(10, 20, 30, 40, 50, 60));
  // The palette of two colors that other programs write, in place of the one of 256.
  const at = Buffer.from(whole).indexOf('PLTE');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(6);
  const short = withPngChecksums(
    Buffer.concat([
      ...[whole.subarray(0, at - 4), length, whole.subarray(at, at + 4 + 6), Buffer.alloc(4)],
      whole.subarray(at + 4 + 768 + 4),
    ]),
  );
  expect([...decodePngIndices(short, 'a.png').data]).toEqual([0, 1, 1, 0, 255, 1]);
  expect(() => decodePngColors(short, 'a.png')).toThrow(
    "a.png: expected colors of the palette's 2, got index 255 at pixel (1, 1)",
  );
  expect([...decodePngColors(whole, 'a.png').data.subarray(12, 15)]).toEqual([255, 255, 255]);
});
