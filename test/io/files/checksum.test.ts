import { createHash } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksumInThread } from '../../../io/files/checksum-thread.js';
import { checksumOfFile } from '../../../io/files/checksum.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { folder } = temporaryFolder();

test('the CRC-32 of a file is that of its bytes in order, whatever the parts', async () => {
  const file = join(folder, 'small');
  writeFileSync(file, '123456789');
  expect(await checksumOfFile(file, 'crc32')).toBe('cbf43926'); // the published check value
  writeFileSync(file, '');
  expect(await checksumOfFile(file, 'crc32')).toBe('00000000');
});

test('a large file is read in a thread, with the same checksums', async () => {
  const file = join(folder, 'large');
  writeFileSync(file, 'the beginning');
  const length = 2 ** 26 + 3;
  truncateSync(file, length);
  const bytes = Buffer.alloc(length);
  bytes.write('the beginning');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await checksumInThread(file, 'sha256')).toBe(sha256);
  expect(await checksumInThread(file, 'crc32')).toBe(await checksumOfFile(file, 'crc32'));
  rmSync(file);
  await expect(checksumInThread(file, 'crc32')).rejects.toThrow('no such file');
});
