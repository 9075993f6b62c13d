import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInProcess } from '../helpers/in-process.js';
import { leaveOutUnless } from '../helpers/leave-out.js';
import { createProgram } from '../../tools/program.js';

let folder: string;
const script = (shell: string): string => join(folder, `completion.${shell}`);
const needs = (shell: string): void =>
  leaveOutUnless(spawnSync(shell, ['-c', 'true']).status === 0, `${shell} is not installed`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runInProcess(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(script(shell), stdout);
  }
  writeFileSync(join(folder, 'photo.jpg'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Completions of a shell at the end of a line. */
const COMPLETE: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    return lines('bash', [
      '-c',
      `source '${script('bash')}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _convnextv2; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
  },
  fish: (words) =>
    lines('fish', [
      '--no-config',
      '-c',
      `source '${script('fish')}'; complete -C '${words.join(' ')}'`,
    ]).map((line) => line.split('\t')[0]),
};

function lines(shell: string, args: readonly string[]): readonly string[] {
  const { stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8', cwd: folder });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe.each(Object.keys(COMPLETE))('%s', (shell) => {
  needs(shell);
  const complete = (...words: readonly string[]) => COMPLETE[shell](['convnextv2', ...words]);

  test('completes verbs, subcommands and options of the verb', async () => {
    const verbs = (await createProgram()).commands.map((command) => command.name());
    expect([...complete('')].sort()).toEqual(expect.arrayContaining(verbs.sort()));
    expect(complete('tr')).toEqual(['train']);
    expect([...complete('data', 's')].sort()).toEqual(['shapes', 'split', 'stats']);
    expect(complete('train', 'detect', '--minu')).toEqual(['--minutes']);
    expect([...complete('predict', 'M', '--devi')]).toEqual(['--device']);
    expect(complete('data', 'check', '--minu')).toEqual([]);
    expect(complete('data', 'check', 'DIR', '--dec')).toEqual(['--decode']);
  });

  test('completes after npx and after a path, but not for others', () => {
    const after = (...words: readonly string[]) => COMPLETE[shell](words);
    expect(after('npx', 'convnextv2', 'tr')).toEqual(['train']);
    expect(after('npx', 'convnextv2', 'data', 'check', 'DIR', '--dec')).toEqual(['--decode']);
    expect(after('node_modules/.bin/convnextv2', 'tr')).toEqual(['train']);
    expect(after('npx', 'vitest', 'tr')).toEqual([]);
    expect(after('npx', 'tr')).toEqual([]);
  });

  test('completes values that an option has, and files where it has none', () => {
    expect([...complete('weights', 'list', '--task', 'se')]).toEqual(['segment']);
    expect(complete('predict', 'M', '--palette', 'se')).toEqual([]);
  });
});

/** Types lines in a zsh on a terminal of its own, each with a tab at its end; commands print what they were called with. */
const TYPING = String.raw`
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -Uz compinit; compinit -u -D; source "$SCRIPT"; bindkey "^I" complete-word; convnextv2() { print -r -- "CALLED[$*]" }; npx() { convnextv2 npx "$@" }; print READ""Y'
zpty -r shell shown '*READY*'
for line in "$@"; do
  zpty -n -w shell "$line"$'\t\n'
  zpty -r shell shown '*CALLED\[*\]*'
  [[ $shown =~ 'CALLED\[([^]]*)\]' ]] && print -r -- $match[1]
done
zpty -d shell
`;

describe('zsh', () => {
  needs('zsh');

  test('completes verbs, options, values and files on a terminal', () => {
    const lines = [
      ['convnextv2 tr', 'train'],
      ['npx convnextv2 train detect --minu', 'npx convnextv2 train detect --minutes'],
      ['convnextv2 weights list --task se', 'weights list --task segment'],
      ['convnextv2 predict M pho', 'predict M photo.jpg'],
      ['npx pho', 'npx photo.jpg'],
    ] as const;
    writeFileSync(join(folder, 'typing.zsh'), TYPING);
    const { stdout, stderr } = spawnSync('zsh', ['-f', 'typing.zsh', ...lines.map(([l]) => l)], {
      encoding: 'utf8',
      cwd: folder,
      timeout: 60_000,
      env: { ...process.env, HOME: folder, SCRIPT: script('zsh') },
    });
    expect([stdout.trimEnd().split('\n'), stderr]).toEqual([lines.map(([, called]) => called), '']);
  });
});

test('scripts hold every option of every command, however the shell quotes it', async () => {
  const { stdout } = await runInProcess(['completion', 'zsh']);
  for (const command of (await createProgram()).commands)
    for (const { long } of command.options.filter((o) => o.long !== '--help-all'))
      expect(stdout).toContain(`'${String(long)}:`);
});

test('another shell is an error', async () => {
  const { code, stderr } = await runInProcess(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('completion: expected bash, zsh or fish, got tcsh');
});
