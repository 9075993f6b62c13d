import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, WorkError } from '../../../core/errors.js';
import { makeFolder } from '../../../io/files/atomic.js';
import { writeNewFolder } from '../../../io/files/new-folder.js';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'convnextv2-new-folder-'))));
afterEach(() => rmSync(root, { recursive: true }));

test('a new folder can be read by others, as any folder', async () => {
  await writeNewFolder(join(root, 'new'), (folder) => writeFile(join(folder, 'a'), ''));
  mkdirSync(join(root, 'usual'));
  const [made, usual] = ['new', 'usual'].map((name) => statSync(join(root, name)).mode);
  expect(made).toBe(usual);
});

test('what a killed process has left is removed, what a running one or another machine writes is not', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const host = hostname().replace(/[^\w.]/g, '_');
  const [left, ...kept] = [
    `.new.partial-${host}-${child.pid}-Ab12cd`,
    `.new.partial-${host}-${process.pid}-Ab12cd`,
    `.new.partial-elsewhere.x-${child.pid}-Ab12cd`,
    `.other.partial-${host}-${child.pid}-Ab12cd`,
  ];
  for (const name of [left, ...kept]) mkdirSync(join(root, name));
  await writeNewFolder(join(root, 'new'), () => Promise.resolve());
  expect(readdirSync(root).sort()).toEqual([...kept, 'new'].sort());
});

test('a full disk is a WorkError with a remedy, and nothing is left', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  const writing = writeNewFolder(join(root, 'new'), () => Promise.reject(full));
  await expect(writing).rejects.toThrow(WorkError);
  await expect(writing).rejects.toThrow(/new: expected to write it, got ENOSPC.*make room there/);
  expect(existsSync(join(root, 'new'))).toBe(false);
  expect(readdirSync(root)).toEqual([]);
});

test('of two processes that write one folder the later is refused, and what is there stays', async () => {
  const target = join(root, 'new');
  const late = writeNewFolder(target, async (folder) => {
    await writeFile(join(folder, 'a'), 'late');
    await writeNewFolder(target, (other) => writeFile(join(other, 'a'), 'early'));
  });
  await expect(late).rejects.toThrow(ConfigError);
  await expect(late).rejects.toThrow(
    /new: expected it to stay empty, got files of another process/,
  );
  expect(readFileSync(join(target, 'a'), 'utf8')).toBe('early');
  expect(readdirSync(root)).toEqual(['new']);
});

test('a link to an empty folder stays one', async () => {
  mkdirSync(join(root, 'real'));
  symlinkSync(join(root, 'real'), join(root, 'link'));
  await writeNewFolder(join(root, 'link'), (folder) => writeFile(join(folder, 'a'), ''));
  expect(readdirSync(join(root, 'real'))).toEqual(['a']);
  expect(readdirSync(root).sort()).toEqual(['link', 'real']);
});

test('a folder may have a name as long as names can be; a file in its place, and one above it, are named', async () => {
  for (const name of ['n'.repeat(255), 'ü'.repeat(127)]) {
    const folder = join(root, name);
    await writeNewFolder(folder, (partial) => writeFile(join(partial, 'a'), ''));
    expect(readdirSync(folder)).toEqual(['a']);
  }
  await writeFile(join(root, 'file'), '');
  const write = (name: string): Promise<void> =>
    writeNewFolder(join(root, name), () => Promise.resolve());
  await expect(write('file')).rejects.toThrow(/file: expected a folder, got a file/);
  await expect(write('file/below')).rejects.toThrow(
    /below: expected to write it, got E[A-Z]+: .*unchanged/,
  );
});

test('a folder that cannot be made is named, with the reason', () => {
  symlinkSync('loop', join(root, 'loop'));
  expect(() => makeFolder(join(root, 'loop', 'out'))).toThrow(
    /loop[\\/]out: expected to write it, got ELOOP/,
  );
});
