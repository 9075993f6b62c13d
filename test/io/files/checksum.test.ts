import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crc32ByTable } from '../../../io/crc32.js';
import { checksumInThread } from '../../../io/files/checksum-thread.js';
import { checksumOfFile, crc32Text } from '../../../io/files/checksum.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { folder } = temporaryFolder();

/** Bytes that repeat with no period of a part. */
const content = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 9)) % 251);

test('the CRC-32 of the check text is the published one', async () => {
  const file = join(folder, 'small');
  writeFileSync(file, '123456789');
  expect(await checksumOfFile(file, 'crc32')).toBe('cbf43926');
});

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 7])(
  'the CRC-32 of %i bytes, read in parts, is that of the whole',
  async (length) => {
    const bytes = content(length);
    const file = join(folder, 'file');
    writeFileSync(file, bytes);
    const expected = crc32Text(crc32ByTable(bytes));
    expect(await checksumOfFile(file, 'crc32')).toBe(expected);
    expect(await checksumInThread(file, 'crc32')).toBe(expected);
  },
);

test('a large file, which is read in a thread, has the same checksums; a missing one is an error', async () => {
  const file = join(folder, 'large');
  const bytes = content(2 ** 26 + 3);
  writeFileSync(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await checksumInThread(file, 'sha256')).toBe(sha256);
  expect(await checksumInThread(file, 'crc32')).toBe(crc32Text(crc32ByTable(bytes)));
  rmSync(file);
  await expect(checksumInThread(file, 'crc32')).rejects.toThrow('no such file');
});
