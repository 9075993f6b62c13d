import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const TEXT = readFileSync('docs/architecture.md', 'utf8');

test('every file that docs/architecture.md names exists', () => {
  const named = [...TEXT.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file]) => file);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(file))).toEqual([]);
});

test('each reading has at most eight files', () => {
  const readings =
    TEXT.split('## Two readings')[1]
      .split('\n## ')[0]
      .match(/^\d+\. /gm) ?? [];
  expect(readings.map((number) => parseInt(number))).toEqual(
    [1, 2].flatMap(() => [1, 2, 3, 4, 5, 6, 7, 8]),
  );
});
