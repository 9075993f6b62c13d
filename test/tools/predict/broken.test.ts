import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FIXTURES } from '../../helpers/fixtures.js';
import { runInProcess } from '../../helpers/in-process.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

const MODEL = join(FIXTURES, 'small', 'backbone_official.pth');
let folder: string;
let data: string;
const at = (...names: string[]): string => join(folder, ...names);

/** Three images and three that cannot be read. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-broken-'));
  data = writeTinyClasses();
  mkdirSync(at('images'));
  const good = readFileSync(join(data, 'val', 'class0', '0.png'));
  for (const name of ['a', 'c', 'e']) writeFileSync(at('images', `${name}.png`), good);
  writeFileSync(at('images', 'b.png'), good.subarray(0, good.length >> 1));
  writeFileSync(at('images', 'd.jpg'), '');
  mkdirSync(at('images', 'f.jpg'));
});
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

const predict = (...args: string[]): ReturnType<typeof runInProcess> =>
  runInProcess(['predict', MODEL, '--size', '32', ...args]);
const BROKEN = /b\.png: expected[\s\S]*d\.jpg: expected/;

test('images that cannot be read are listed, the others are predicted and written, and the exit code is 2', async () => {
  const { code, stdout, stderr } = await predict(at('images'), '--out', at('out'));
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(BROKEN);
  expect(stderr).toMatch(/predicted 3 of \d images; not the following:/);
  expect(stdout.match(/%/g)?.length).toBe(15);
  const { predictions } = JSON.parse(readFileSync(at('out', 'predictions.json'), 'utf8')) as {
    predictions: { file: string }[];
  };
  expect(predictions.map(({ file }) => file)).toEqual(
    ['a', 'c', 'e'].map((name) => at('images', `${name}.png`)),
  );
});

test('with --json the document has the predictions and what failed', async () => {
  const { code, stdout } = await predict(at('images'), '--json');
  expect(code).toBe(2);
  const { model, predictions, failed } = JSON.parse(stdout) as {
    model: string;
    predictions: { file: string; top: object[] }[];
    failed: { file: string; message: string }[];
  };
  expect(model).toBe(MODEL);
  expect(predictions.map(({ top }) => top.length)).toEqual([5, 5, 5]);
  expect(failed.map(({ file }) => file)).toEqual(
    expect.arrayContaining(['b.png', 'd.jpg'].map((name) => at('images', name))),
  );
  expect(stdout.endsWith('\n') && stdout.indexOf('\n') === stdout.length - 1).toBe(true);
  const sound = await predict(at('images', 'a.png'), '--json');
  expect(sound.code).toBe(0);
  expect(JSON.parse(sound.stdout)).not.toHaveProperty('failed');
});

test('if none can be read, that is the error, and nothing is written', async () => {
  const one = await predict(at('images', 'b.png'), '--json');
  expect(one.code).toBe(2);
  expect(JSON.parse(one.stdout)).toMatchObject({
    error: { code: 'DataError', file: at('images', 'b.png') },
  });
  mkdirSync(at('all'));
  for (const name of ['x.png', 'y.png']) copyFileSync(at('images', 'b.png'), at('all', name));
  const all = await predict(at('all'), '--out', at('none'));
  expect([all.code, all.stdout]).toEqual([2, '']);
  expect(all.stderr).toMatch(/DataError: predict: expected images, got none of 2 that can be read/);
});

test('a line break in the name of a file makes no line of its own', async () => {
  const name = at('images', 'a.png\n  99.9 %  forged.png');
  copyFileSync(at('images', 'a.png'), name);
  const { stdout } = await predict(name);
  rmSync(name);
  expect(stdout).toContain('a.png\\u000a  99.9 %  forged.png\n');
  expect(stdout).not.toMatch(/^ +99\.9 %/m);
});
