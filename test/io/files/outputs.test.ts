import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { isPartialResult } from '../../../io/partial-result.js';
import { assertReplaceable, PAGE } from '../../../io/files/apart.js';
import { writeAtomically, writeAtomicallySync } from '../../../io/files/atomic.js';
import { assertWritableFolder } from '../../../io/files/out-folder.js';
import { RowSpool } from '../../../io/files/row-spool.js';
import { testOnLinux } from '../../helpers/leave-out.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();

test('a page replaces a page, an empty file or nothing, and no other file', async () => {
  const refused = (file: string): void => {
    expect(() => assertReplaceable('--out', file, PAGE)).toThrow(ConfigError);
    expect(() => assertReplaceable('--out', file, PAGE)).toThrow(
      /--out: expected a new file or an HTML page, got .*; choose another name/,
    );
  };
  for (const file of [
    path('new.html'),
    await put('empty', ''),
    await put('page.html', '<!DOCTYPE html>\n<title>x</title>'),
  ])
    expect(() => assertReplaceable('--out', file, PAGE)).not.toThrow();
  refused(await put('instances.json', '{"images": []}'));
  refused(await put('photo.html', Buffer.from([0xff, 0xd8, 0xff])));
  await mkdir(path('folder.html'));
  refused(path('folder.html'));
  symlinkSync(path('instances.json'), path('link.html'));
  refused(path('link.html'));
});

test('a part replaces a part only', async () => {
  const kind = { name: 'a part of an evaluation', isStart: isPartialResult };
  const part = await put('a.part', 'CNV2PART....');
  expect(() => assertReplaceable('--part', part, kind)).not.toThrow();
  const other = await put('results.json', '[]');
  expect(() => assertReplaceable('--part', other, kind)).toThrow(/or a part of an evaluation/);
});

test('two processes that write rows under one name do not mix them', () => {
  const file = path('rows.partial.jsonl');
  const first = RowSpool.create<string>(file);
  first.add(0, ['first 0']);
  const second = RowSpool.create<string>(file);
  second.add(0, ['a longer row of the second']);
  first.add(1, ['first 1']);
  second.add(1, ['second 1']);
  expect([...first.inOrder()]).toEqual([
    [0, 'first 0'],
    [1, 'first 1'],
  ]);
  expect([...second.inOrder()].map(([, row]) => row)).toEqual([
    'a longer row of the second',
    'second 1',
  ]);
  first.remove();
  second.remove();
});

test('rows never follow a link to a file elsewhere', async () => {
  const victim = await put('victim.txt', 'precious');
  symlinkSync(victim, path('linked.partial.jsonl'));
  const rows = RowSpool.create<number>(path('linked.partial.jsonl'));
  rows.add(0, [1]);
  rows.close();
  expect(readFileSync(victim, 'utf8')).toBe('precious');
  expect(readFileSync(path('linked.partial.jsonl'), 'utf8')).toBe('1\n');
});

test('a file never takes the place of a pipe or device', async () => {
  await mkdir(path('special'));
  const pipe = path('special/pipe');
  execFileSync('mkfifo', [pipe]);
  const message = /pipe: expected a new file or one to replace, got a device, pipe or socket/;
  await expect(writeAtomically(pipe, Buffer.from('x'))).rejects.toThrow(message);
  expect(() => writeAtomicallySync(pipe, 'x')).toThrow(message);
  expect(() => writeAtomicallySync(pipe, 'x')).toThrow(ConfigError);
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  expect(readdirSync(path('special'))).toEqual(['pipe']);
  const below = await put('file', '').then((file) => `${file}/below`);
  await expect(writeAtomically(below, Buffer.from('x'))).rejects.toThrow(/expected to write it/);
  expect(() => writeAtomicallySync(below, 'x')).toThrow(/expected to write it/);
  expect(() => assertReplaceable('--part', below, PAGE)).toThrow(
    /expected a folder, got the file .*file$/,
  );
});

testOnLinux(
  'a folder of the process table is no output, which Node would try to make for ever',
  () => {
    for (const folder of ['/proc/none', '/proc/self/none/deeper'])
      expect(() => assertWritableFolder(folder)).toThrow(
        /expected a folder of files, got one of processes/,
      );
  },
);
