import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { mergedRows, readLines } from '../../../train/distributed/merged-rows.js';

const root = mkdtempSync(join(tmpdir(), 'convnextv2-merged-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test('rows of several files in order, also where they are asked for late', async () => {
  const files = [0, 1, 2].map((part) => {
    const file = join(root, `${part}.jsonl`);
    const numbers = Array.from({ length: 50 }, (_, i) => 3 * i + part);
    writeFileSync(file, numbers.map((n) => `${JSON.stringify([n, { id: n }])}\n`).join(''));
    return file;
  });
  const rows = mergedRows<{ id: number }>(files.map(readLines));
  await delay(100); // longer than the files take to be read
  const ids: number[] = [];
  for await (const { id } of rows) ids.push(id);
  expect(ids).toEqual(Array.from({ length: 150 }, (_, i) => i));
});

test.each(['{"id": 1}', '[1]', '["1", {}]', '[1, {', '[0.5, {}]', `[${'['.repeat(20_000)}`])(
  'a damaged line of another process is refused: %.20s',
  async (line) => {
    const file = join(root, 'damaged.jsonl');
    writeFileSync(file, `[0, {"id": 0}]\n${line}\n`);
    const rows = mergedRows<{ id: number }>([readLines(file)]);
    await expect(rows.next()).resolves.toEqual({ done: false, value: { id: 0 } });
    await expect(rows.next()).rejects.toThrow(DataError);
  },
);
