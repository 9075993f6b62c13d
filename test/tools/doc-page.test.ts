import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { docPage } from '../../tools/doc-page.js';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';

const folder = dataFolder();
const root = resolve('.');
afterEach(() => process.chdir(root));

test('an error names a page that one can open from where one is', async () => {
  expect(docPage('errors.md')).toBe(join('docs', 'errors.md'));
  process.chdir('..');
  expect(docPage('errors.md')).toBe(join(root.split(/[\\/]/).at(-1) ?? '', 'docs', 'errors.md'));
  process.chdir(folder.root);
  const { stderr } = await runInProcess(['predict', 'none', 'a.jpg']);
  const file = /see (.*errors\.md)#[a-z-]+/.exec(stderr)?.[1] ?? '';
  expect(existsSync(file), stderr).toBe(true);
});
