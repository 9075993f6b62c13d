import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../tools/program.js';

const PAGES = [
  ...['README.md', 'examples/README.md'],
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md') && name !== 'api.md')
    .map((name) => join('docs', name)),
];
const PROGRAM = await createProgram();
const FLAG = /^\[?(--?[a-z][a-z-]*)/;

/** Command lines of the blocks of a page and of code within its text, without comments. */
function commandLines(page: string): readonly string[] {
  const text = readFileSync(page, 'utf8');
  const blocks = [...text.matchAll(/^```(?:sh|console)?\n(.*?)^```$/gms)].map(([, code]) => code);
  const indented = text.match(/^ {4}(?:npx )?convnextv2 .*(?:\\\n.*)*/gm) ?? [];
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code.replaceAll('\n', ' '));
  return [...blocks, ...indented]
    .flatMap((code) => code.replaceAll('\\\n', ' ').split('\n'))
    .concat(inline)
    .flatMap((line) => /(?:^|[\s(])(?:npx )?convnextv2 ([a-z][^#|)]*)/.exec(line)?.[1] ?? []);
}

/** The command that a line names, and the words after it. */
function commandOf(line: string): readonly [command: Command, words: readonly string[]] {
  let words = line.trim().split(/\s+/);
  let command: Command = PROGRAM;
  for (;;) {
    const next = command.commands.find((c) => c.name() === words[0]);
    if (next === undefined) return [command, words];
    [command, words] = [next, words.slice(1)];
  }
}

const flagsOf = ({ options }: Command): readonly Option['long'][] =>
  options.flatMap(({ long, short }) => [long, short]);

test('the pages show commands', () => {
  const lines = PAGES.flatMap(commandLines);
  expect(lines.length).toBeGreaterThan(150);
  expect(new Set(lines.map((line) => commandOf(line)[0].name())).size).toBeGreaterThan(15);
});

test.each(PAGES)('%s: every command and flag that it shows is there', (page) => {
  const wrong = commandLines(page).flatMap((line) => {
    const [command, words] = commandOf(line);
    // Placeholders (VERB, SIZE), and words of a sentence about the program.
    if (command === PROGRAM) return /^[a-z]+$/.test(words[0]) && words.length > 1 ? [line] : [];
    const flags = words.flatMap((word) => FLAG.exec(word)?.[1] ?? []);
    const unknown = flags.filter(
      (flag) => !flagsOf(command).includes(flag) && !['--help', '-h'].includes(flag),
    );
    return unknown.map((flag) => `${line.trim()}: ${flag}`);
  });
  expect(wrong).toEqual([]);
});

test('pages name packages in the versions that this package takes', () => {
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  ) as Record<string, Record<string, string>>;
  const versions = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  const named = PAGES.flatMap((page) => {
    const text = readFileSync(page, 'utf8');
    return [...text.matchAll(/\b(?:npm|pnpm|yarn) (?:install|add) ([^\n`#]+)/g)].flatMap(
      ([, words]) => words.split(/\s+/).filter((word) => /^@?[a-z]/.test(word)),
    );
  });
  const known = Object.keys(versions);
  expect(named.length).toBeGreaterThan(5);
  for (const spec of named) {
    const [, name, version] = /^(@?[^@]+)(?:@(.*))?$/.exec(spec) ?? [];
    expect([...known, 'convnextv2']).toContain(name);
    if (version !== undefined) expect([spec, version]).toEqual([spec, versions[name]]);
  }
});
