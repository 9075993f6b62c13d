import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../core/shell-word.js';

test('plain words stay, all others are one word to a shell', () => {
  expect(['runs/a-1.2', 'a@b,c', '+x=1'].map(shellWord)).toEqual(['runs/a-1.2', 'a@b,c', '+x=1']);
  const odd = ['my run', "it's", '$HOME', 'a&b', '~', 'Übung', '', '*', '`x`', '"q"', 'a\\b'];
  const line = odd.map(shellWord).join(' ');
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
  expect(stdout.split('\n').slice(0, -1)).toEqual(odd);
});
