import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { recipesPage } from '../../scripts/recipes-page.mjs';
import { createProgram } from '../../tools/program.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { RECIPES } from '../../train/recipes/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'examples/README.md'],
  // The generated API page has anchors of its own.
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'api.md')
    .map((name) => join('docs', name)),
];
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
const withoutCode = (text: string): string =>
  text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, (code) => `\`${code.length}\``);

/** Anchors of the headings of a page, as GitHub names them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(headings);
}

test.each(PAGES)('every link of %s leads somewhere', (page) => {
  const targets = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^(https?:|mailto:)/.test(target));
  const dead = targets.filter((target) => {
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, file))) return true;
    if (anchor === undefined || statSync(join(ROOT, file)).isDirectory()) return false;
    return file.endsWith('.md') && !anchorsOf(file).has(anchor);
  });
  expect(dead).toEqual([]);
});

/** British spellings; fields of JSON that keep one are code, not prose. */
const BRITISH =
  /\b(?:(?:un)?labell(?:ed|ing)|licences?|catalogues?|(?:mis|un)?(?:learnt|spelt)|colour\w*|grey(?:s|scale)?|centre[ds]?|behaviours?|neighbour\w*|favour\w*|(?:recogn|normal|organ|rasteri?|initial|optim|visual|equal|local|minim|maxim|summar|quant)is(?:e[ds]?|ing|ation)|analysed|artefacts?|judgement|whilst)\b/gi;

/** Comments, and texts of several words, of a source file. */
function proseOf(source: string): string {
  const comments = source.match(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm) ?? [];
  const code = comments.reduce((text, comment) => text.replace(comment, ''), source);
  const texts = (code.match(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g) ?? [])
    .map((text) => text.replaceAll(/\$\{[^}]*\}/g, ''))
    .filter((text) => text.includes(' '));
  return [...comments.map(withoutCode), ...texts].join('\n');
}

test('pages, comments and messages are in American spelling', () => {
  expect('a grey colour in the centre, learnt'.match(BRITISH)).toHaveLength(4);
  expect('a gray color in the center, learned, of noise'.match(BRITISH)).toBeNull();
  const sources = readdirSync(ROOT)
    .filter((folder) => statSync(join(ROOT, folder)).isDirectory())
    .filter((folder) => !/^(\.|node_modules|dist|docs|test|runs|examples|scripts)/.test(folder))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /(?<!\.d)\.ts$/.test(name))
        .map((name) => join(folder, name)),
    );
  expect(sources.length).toBeGreaterThan(500);
  // The list of changes names what was renamed.
  const found = [...PAGES.filter((page) => page !== 'CHANGELOG.md'), ...sources].flatMap((file) => {
    const prose = file.endsWith('.md') ? withoutCode(read(file)) : proseOf(read(file));
    return (prose.match(BRITISH) ?? []).map((word) => `${file}: ${word}`);
  });
  expect(found).toEqual([]);
});

test('every page of the documentation is in the site, once', () => {
  const listed = readdirSync('docs/site')
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => [...read(`docs/site/${name}`).matchAll(/^ {2}- \.\.\/(.+)$/gm)])
    .map(([, name]) => name);
  const pages = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'api.md');
  expect(listed.toSorted()).toEqual(pages.toSorted());
});

test('docs/recipes.md is what the tables of the recipes say', async () => {
  const load = (path: string): Promise<Record<string, unknown>> =>
    import(join(ROOT, `${path}.ts`)) as Promise<Record<string, unknown>>;
  expect(await recipesPage(load)).toBe(read('docs/recipes.md'));
});

/** Settings that recipes leave out, with a recipe and a value that is valid there. */
const OPTIONAL: Readonly<Record<string, readonly [recipe: string, value: string]>> = {
  repeatThreshold: ['detect', '0.1'],
  'training.copyPaste': ['detect', '2'],
  'training.scales.shortSides': ['detect', '[240]'],
};

const allBelow = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(allBelow),
];
const PROGRAM = await createProgram();
const FLAGS = new Set(
  allBelow(PROGRAM).flatMap(({ options }) => options.flatMap(({ long, short }) => [long, short])),
);
const VERBS = new Set(PROGRAM.commands.map((command) => command.name()));

/** Whether a configuration has a path; a list of objects is entered by index. */
function has(config: unknown, path: string): boolean {
  let value = config;
  for (const key of path.split('.')) {
    if (!Object.hasOwn(Object(value) as object, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}

describe.each(PAGES.filter((page) => page.startsWith('docs/from-')))('%s', (page) => {
  const rows = read(page)
    .split('\n')
    .filter((line) => /^\| (?!-)/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| |\s*\|$/g, '').trim()));
  const cells = rows.map(([, ours]) => ours).slice(1);
  const codes = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code));
  const keys = codes.filter((code) => /^[a-zA-Z]+(\.\w+)*$/.test(code) && code !== 'extends');

  test('every key of ours is one of a recipe', () => {
    expect(keys.length).toBeGreaterThan(15);
    const configs = Object.values(RECIPES);
    const unknown = keys.filter(
      (key) => !(key in OPTIONAL) && !configs.some((config) => has(config, key)),
    );
    expect(unknown).toEqual([]);
    for (const [key, [recipe, value]] of Object.entries(OPTIONAL))
      expect(has(resolveConfig(recipe, { set: [`${key}=${value}`] }).config, key)).toBe(true);
  });

  test('every flag and verb of ours is there', () => {
    const texts = rows.slice(1).map(([, ...ours]) => ours.join(' '));
    const flags = texts.flatMap((text) => text.match(/(?<=^|[\s`])--[a-z-]+/g) ?? []);
    expect(flags.filter((flag) => !FLAGS.has(flag))).toEqual([]);
    const verbs = codes
      .filter((code) => code.startsWith('convnextv2 '))
      .map((code) => code.split(' ')[1]);
    expect(verbs.filter((verb) => !VERBS.has(verb))).toEqual([]);
  });

  test('every value that a note shows is one that --set takes', () => {
    const settings = rows.flatMap(([, ours, note = '']) => {
      const key = /`([a-zA-Z.\d]+)`/.exec(ours)?.[1] ?? '';
      const words = /^`(\w+)` or `(\w+)`/.exec(note)?.slice(1) ?? [];
      return [
        ...[...note.matchAll(/`([a-zA-Z.\d]+=[^`]+)`/g)].map(([, setting]) => setting),
        ...words.map((word) => `${key}=${word}`),
      ];
    });
    expect(settings).not.toEqual([]);
    const accepts = (recipe: string, setting: string): boolean => {
      try {
        return resolveConfig(recipe, { set: [setting] }).config !== undefined;
      } catch {
        return false;
      }
    };
    const wrong = settings.filter(
      (setting) => !Object.keys(RECIPES).some((recipe) => accepts(recipe, setting)),
    );
    expect(wrong).toEqual([]);
  });

  test('every function of ours is exported', () => {
    const called = cells.flatMap((cell) => [...cell.matchAll(/(?<![.\w])([a-z]\w+)\(/g)]);
    const api = readFileSync('index.ts', 'utf8');
    const names = called.map(([, name]) => name);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(api))).toEqual([]);
  });
});
