import { expect, test } from 'vitest';
import { crc32, crc32ByTable } from '../../io/crc32.js';

const digits = new TextEncoder().encode('123456789');

test.each([
  ['as the machine has it', crc32],
  ['by table', crc32ByTable],
])('the checksum of the digits is that of the catalog of CRCs: %s', (_, checksum) => {
  expect(checksum(digits)).toBe(0xcbf43926);
  expect(checksum(digits.subarray(4), checksum(digits.subarray(0, 4)))).toBe(0xcbf43926);
  expect(checksum(new Uint8Array())).toBe(0);
});

test('both ways agree at every length', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => (i * 101 + 7) & 255);
  for (let length = 0; length <= 40; length++) {
    const part = bytes.subarray(0, length);
    expect(crc32ByTable(part, 99)).toBe(crc32(part, 99));
  }
});
