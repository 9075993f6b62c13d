import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as api from '../../index.js';
import { ERROR_CLASSES, ERROR_CODES, InputError } from '../../core/errors.js';
import { dataFolder } from '../helpers/data-folder.js';
import { FIXTURES } from '../helpers/fixtures.js';
import { runInProcess } from '../helpers/in-process.js';

const PAGE = readFileSync('docs/errors.md', 'utf8');
const SECTIONS = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n')[0], section] as const),
);
const CLASSES = Object.values(ERROR_CLASSES).flat();
const OF_THE_COMMAND_LINE = ['usage', 'unexpected'];

test('every code has a section, and every section is that of a code', () => {
  expect([...SECTIONS.keys()].toSorted()).toEqual([...ERROR_CODES].toSorted());
  expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
});

test.each(ERROR_CODES)('%s: meaning, causes, remedy', (code) => {
  const begins = (SECTIONS.get(code) ?? '').match(/^\*\*[A-Z][a-z ]+\.\*\* \S/gm) ?? [];
  expect(begins.map((text) => text.slice(2, text.indexOf('.')))).toEqual([
    ...['Means', 'Likely causes', 'Remedy'],
  ]);
});

test('every code has one class, which the section names with its family', () => {
  const codes = CLASSES.map(({ code }) => code);
  expect(codes.toSorted()).toEqual(
    ERROR_CODES.filter((code) => !OF_THE_COMMAND_LINE.includes(code)).toSorted(),
  );
  for (const Kind of CLASSES) {
    const family = new Kind('a: expected b, got c').name;
    const named = SECTIONS.get(Kind.code)?.split('\n')[2];
    expect(named).toBe(
      family === Kind.name ? `\`${family}\`` : `\`${Kind.name}\`, a \`${family}\``,
    );
  }
});

test('every class is public', () => {
  const exported = new Set<unknown>(Object.values(api));
  expect(CLASSES.filter((kind) => !exported.has(kind)).map(({ name }) => name)).toEqual([]);
});

test('every class is thrown somewhere', () => {
  const rooms = readdirSync('.', { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules|dist|test|runs)/.test(entry.name))
    .flatMap(({ name }) =>
      readdirSync(name, { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)),
    );
  const sources = rooms.filter((file) => file.endsWith('.ts')).map((f) => readFileSync(f, 'utf8'));
  const thrown = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/\bnew (\w+)\(|\b(\w+)\.in\(/g)].map((m) => m[1] ?? m[2]),
    ),
  );
  expect(CLASSES.filter(({ name }) => !thrown.has(name)).map(({ name }) => name)).toEqual([]);
});

const data = dataFolder();
const IMAGE = join(FIXTURES, 'small', 'preprocess_q90_420.jpg');
const MODEL = join(FIXTURES, 'small', 'backbone_official.pth');

/** Command lines with a mistake each, by the code of the error. */
const MISTAKES: readonly (readonly [code: string, args: () => readonly string[]])[] = [
  ['option', () => ['benchmark', '--mode', 'both']],
  ['option', () => ['train', 'detect', '--data', data.root]],
  ['config-file', () => ['config', 'print', 'detekt']],
  ['config-file', () => ['config', 'print', 'detect', '--set', 'lrr=1']],
  ['image', () => ['predict', MODEL, data.at('none.jpg')]],
  ['model-not-found', () => ['predict', 'tyni.fcmae_ft_in1k', IMAGE]],
  ['weights-file', () => ['weights', 'inspect', IMAGE]],
  ['layout', () => ['data', 'check', data.root]],
  ['output', () => ['data', 'shapes', '--out', FIXTURES]],
  [
    'annotations',
    () => {
      for (const split of ['train', 'val'])
        data.write(`annotations/instances_${split}.json`, '{"images": [');
      return ['data', 'convert', data.root, '--to', 'coco', '--out', data.at('out')];
    },
  ],
];

describe('the command line names the section', () => {
  test.each(MISTAKES)('%s', async (code, args) => {
    const line = args();
    const { stderr, stdout } = await runInProcess(line);
    expect([stdout, stderr.split('\n').slice(-3)]).toEqual([
      '',
      [expect.stringMatching(/^\w+Error: /), `see docs/errors.md#${code}`, ''],
    ]);
  });

  test('also in documents, beside the family', async () => {
    const { stdout } = await runInProcess(['predict', MODEL, data.at('none.jpg'), '--json']);
    const { error } = JSON.parse(stdout) as { error: Record<string, unknown> };
    expect(error).toMatchObject({
      code: 'DataError',
      reason: 'image',
      see: 'docs/errors.md#image',
    });
  });
});

test('an error keeps its code between threads, and its family in its name', async () => {
  const { describeFailure, reviveFailure } = await import('../../core/failure.js');
  for (const Kind of CLASSES.filter((kind) => kind !== InputError)) {
    const made = new Kind('a: expected b, got c');
    const crossed = reviveFailure(structuredClone(describeFailure(made)), 'thread');
    expect([crossed.constructor, crossed.name]).toEqual([Kind, made.name]);
  }
});
