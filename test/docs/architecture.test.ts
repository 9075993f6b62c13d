import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const TEXT = readFileSync('docs/architecture.md', 'utf8');

test('every file that docs/architecture.md names exists', () => {
  const named = [...TEXT.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file]) => file);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(file))).toEqual([]);
});

/** Files of each reading, in its order. */
const READINGS = TEXT.split('## Two readings')[1]
  .split('\n## ')[0]
  .split(/^From /m)
  .slice(1)
  .map((reading) => [...reading.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file]) => file));

/** Files that a file imports, types too. */
function importedBy(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(([, to]) =>
    normalize(join(dirname(file), `${to}.ts`)),
  );
}

test('each reading has at most eight files', () => {
  expect(READINGS).toHaveLength(2);
  for (const files of READINGS) {
    expect(files.length).toBeGreaterThan(5);
    expect(new Set(files).size).toBeLessThanOrEqual(8);
  }
});

test('each file of a reading is reached from one before it, through two others at most', () => {
  for (const files of READINGS)
    files.slice(1).forEach((file, i) => {
      let reached = files.slice(0, i + 1);
      for (let far = 0; far < 3 && !reached.includes(file); far++)
        reached = [...new Set(reached.flatMap(importedBy))];
      expect(reached, `${file} from ${files.slice(0, i + 1).join(', ')}`).toContain(file);
    });
});
