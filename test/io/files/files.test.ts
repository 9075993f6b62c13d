import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError, DataError, WorkError } from '../../../core/errors.js';
import {
  removeTemporaryFiles,
  writeAtomically,
  writeAtomicallySync,
} from '../../../io/files/atomic.js';
import { isImageName } from '../../../io/files/images.js';
import { leadsInto } from '../../../io/files/inside.js';
import { readJsonIfPresent } from '../../../io/files/json.js';
import { readBytes } from '../../../io/files/read.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();

test('both ways of writing make missing folders and leave the file alone there', async () => {
  writeAtomicallySync(path('a/b/sync.txt'), 'text');
  await writeAtomically(path('a/b/async.txt'), new TextEncoder().encode('text'));
  expect(readdirSync(path('a/b')).sort()).toEqual(['async.txt', 'sync.txt']);
  for (const name of ['sync', 'async'])
    expect(readFileSync(path(`a/b/${name}.txt`), 'utf8')).toBe('text');
});

test('a rejected write names the file, and leaves no temporary file', async () => {
  mkdirSync(path('taken/inside'), { recursive: true });
  const expected = /taken: expected to write it, got E\w+.*what was there before is unchanged/;
  const write = (): void => writeAtomicallySync(path('taken'), 'text');
  expect(write).toThrow(WorkError);
  expect(write).toThrow(expected);
  await expect(writeAtomically(path('taken'), new Uint8Array(1))).rejects.toThrow(expected);
  expect(readdirSync(path('.')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('reading takes the beginning or all, and names what it cannot read', async () => {
  const file = await put('bytes', Uint8Array.of(1, 2, 3, 4, 5));
  expect(await readBytes(file)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  expect(await readBytes(file, 2)).toEqual(Uint8Array.of(1, 2));
  expect(await readBytes(file, 9)).toHaveLength(5);
  await expect(readBytes(path('none'))).rejects.toThrow(DataError);
  await expect(readBytes(path('none'))).rejects.toThrow(/none: expected a readable file.*ENOENT/);
});

test('a missing JSON document is undefined, a damaged one an error', () => {
  writeFileSync(path('good.json'), '{"a": 1}');
  writeFileSync(path('bad.json'), '{"a": ');
  writeFileSync(path('empty.json'), '\n');
  writeFileSync(path('token.json'), '{\n  "a": x,\n  "b": 2\n}');
  expect(readJsonIfPresent(path('good.json'), 'a record')).toEqual({ a: 1 });
  expect(readJsonIfPresent(path('none.json'), 'a record')).toBeUndefined();
  mkdirSync(path('folder.json'));
  const failure = (name: string): unknown => {
    try {
      return readJsonIfPresent(path(name), 'a record', CheckpointError);
    } catch (error) {
      return error;
    }
  };
  const about = (name: string, message: string): CheckpointError =>
    CheckpointError.in(path(name), message);
  expect(failure('bad.json')).toEqual(
    about('bad.json', 'expected a record as JSON, got Unexpected end of JSON input'),
  );
  expect(failure('empty.json')).toEqual(
    about('empty.json', 'expected a record as JSON, got an empty file'),
  );
  expect((failure('token.json') as Error).message).toMatch(/got Unexpected token .*a": x, .*JSON$/);
  expect(failure('folder.json')).toEqual(about('folder.json', 'expected a record, got a folder'));
});

test('images are known by their extension in any case', () => {
  expect(['a.jpg', 'b.JPEG', join('c', 'd.Png')].every(isImageName)).toBe(true);
  expect(
    ['a.jfif', 'b.JPE', 'c.tif', 'd.WEBP', 'e.avif', 'f.bmp', 'g.gif'].every(isImageName),
  ).toBe(true);
  expect(['a.heic', 'jpg', '.png', 'b.jpg.txt', '._a.jpg'].some(isImageName)).toBe(false);
});

test('what killed writers have left is removed, and nothing else', async () => {
  mkdirSync(path('run/samples'), { recursive: true });
  for (const name of [
    'run/a.json',
    'run/a.json.123.tmp',
    'run/samples/b.jpg.7.tmp',
    'run/c.tmp',
    'run/.12-0af9.tmp',
  ])
    await put(name, 'x');
  removeTemporaryFiles(path('run'));
  expect(readdirSync(path('run')).sort()).toEqual(['a.json', 'c.tmp', 'samples']);
  expect(readdirSync(path('run/samples'))).toEqual([]);
});

test('a link that waits under a temporary name is not followed, and names may be as long as they can be', async () => {
  const victim = await put('victim', 'mine');
  mkdirSync(path('foreign'));
  const long = path(`foreign/${'n'.repeat(250)}.json`);
  for (const name of ['a.json', 'b.json'])
    symlinkSync(victim, path(`foreign/${name}.${process.pid}.tmp`));
  writeAtomicallySync(path('foreign/a.json'), 'text');
  await writeAtomically(path('foreign/b.json'), new TextEncoder().encode('text'));
  await writeAtomically(long, new Uint8Array(1));
  expect(readFileSync(victim, 'utf8')).toBe('mine');
  expect(readFileSync(path('foreign/a.json'), 'utf8')).toBe('text');
});

test('two writers of one file in one process do not mix their bytes', async () => {
  const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(300_000));
  const file = path('one');
  await Promise.all(
    contents.map((text) =>
      writeAtomically(file, async (write) => {
        for (let at = 0; at < text.length; at += 50_000)
          await write(Buffer.from(text.slice(at, at + 50_000)));
      }),
    ),
  );
  expect(contents).toContain(readFileSync(file, 'utf8'));
});

test('a path leads into a folder also by links, and through parts that do not exist', async () => {
  mkdirSync(path('in/below'), { recursive: true });
  mkdirSync(path('..beside'), { recursive: true });
  symlinkSync(path('in/below'), path('link'));
  for (const inside of ['in', 'in/new/folder', 'link', 'link/new', 'in/..new'])
    expect([inside, leadsInto(path(inside), path('in'))]).toEqual([inside, true]);
  for (const outside of ['.', '..beside', 'inner', 'in/../x'])
    expect([outside, leadsInto(path(outside), path('in'))]).toEqual([outside, false]);
});
