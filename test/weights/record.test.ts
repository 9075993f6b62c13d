import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { readRecord } from '../../weights/record.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { path } = temporaryFolder();

test.each([
  '{"sha256": {"toString": 1}, "bytes": 1}',
  '{"sha256": [[["0"]]], "bytes": 1}',
  '1',
  '',
])('a record of other content is a WeightsError: %s', async (content) => {
  writeFileSync(path('a.pth.json'), content);
  await expect(readRecord(path('a.pth'))).rejects.toBeInstanceOf(WeightsError);
});
