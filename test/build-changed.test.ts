import { mkdirSync, rmSync, utimesSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isBuilt, noteBuild } from '../scripts/changed.mjs';
import { dataFolder } from './helpers/data-folder.js';

const { write, at } = dataFolder();

test('a build is repeated when a source changed, was added or removed, and only then', () => {
  const root = at('.');
  write('core/a.ts', 'export const a = 1;');
  write('index.ts', '');
  write('package.json', '{}');
  mkdirSync(at('dist'));
  expect(isBuilt(root)).toBe(false);
  noteBuild(root);
  expect(isBuilt(root)).toBe(true);
  // Files that nothing is built from do not count.
  write('docs/page.md', 'text');
  write('test/a.test.ts', 'test');
  write('dist/index.js', '');
  write('runs/x/config.json', '{}');
  expect(isBuilt(root)).toBe(true);
  for (const change of [
    () => write('core/a.ts', 'export const a = 12;'),
    () => utimesSync(at('index.ts'), 1, 1),
    () => write('core/b.ts', ''),
    () => rmSync(at('core/b.ts')),
    () => write('package.json', '{"a":1}'),
  ]) {
    change();
    expect(isBuilt(root)).toBe(false);
    noteBuild(root);
    expect(isBuilt(root)).toBe(true);
  }
});
