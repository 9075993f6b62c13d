import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256OfFile } from '../../../io/files/sha256.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { folder } = temporaryFolder();

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20, 3 * 2 ** 20 + 7])(
  'of %i bytes, read in parts, is that of the whole',
  async (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    const file = join(folder, 'file');
    writeFileSync(file, bytes);
    expect(await sha256OfFile(file)).toBe(createHash('sha256').update(bytes).digest('hex'));
  },
);
