import { Help, type Command } from 'commander';
import { expect, test, describe, vi } from 'vitest';
import { pathOf } from '../../tools/help.js';
import { createProgram, runProgram } from '../../tools/program.js';

const allBelow = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(allBelow),
];
const PROGRAM = await createProgram();
const COMMANDS = allBelow(PROGRAM).map(pathOf);

/** Runs a command line and catches standard output and error. */
async function run(...args: readonly string[]) {
  const { stdout, stderr } = process;
  const before = { out: stdout.write, err: stderr.write };
  let [out, err] = ['', ''];
  stdout.write = (text: string | Uint8Array) => ((out += String(text)), true);
  stderr.write = (text: string | Uint8Array) => ((err += String(text)), true);
  try {
    return { code: await runProgram(args), out: () => out, err: () => err };
  } finally {
    stdout.write = before.out;
    stderr.write = before.err;
  }
}
const find = (path: string): Command => {
  const found = allBelow(PROGRAM).find((command) => pathOf(command) === path);
  if (!found) throw new Error(`expected a command ${path}`);
  return found;
};

describe.each(COMMANDS)('"%s"', (path) => {
  test('help is at most 40 lines of 80 columns, with two examples', async () => {
    const { code, out } = await run(...path.split(' ').filter(Boolean), '--help');
    expect(code).toBe(0);
    const lines = out().trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    const examples = lines.slice(lines.indexOf('Examples:') + 1);
    expect(examples).toHaveLength(2);
    for (const example of examples)
      expect(example.startsWith(`  convnextv2 ${path}`), example).toBe(true);
  });

  test('examples name options that there are, with values where they need one', async () => {
    const { out } = await run(...path.split(' ').filter(Boolean), '--help');
    for (const example of out().trimEnd().split('\n').slice(-2)) {
      const words = example.trim().split(/\s+/).slice(1);
      const named = allBelow(PROGRAM).filter((c) =>
        `${words.join(' ')} `.startsWith(`${pathOf(c)} `),
      );
      const command = named.at(-1) ?? PROGRAM;
      for (const [i, word] of words.entries()) {
        if (!word.startsWith('--')) continue;
        const option = command.options.find(({ long, short }) => long === word || short === word);
        expect(option, `${example}: ${word}`).toBeDefined();
        if (option?.required) expect(words[i + 1] ?? '--', example).not.toMatch(/^-/);
      }
      const required = command.options.filter(({ mandatory }) => mandatory);
      for (const { long } of required) expect(words, example).toContain(long);
    }
  });
});

test('--help-all lists what --help leaves out, and needs no arguments', async () => {
  for (const path of ['predict', 'train', 'data check']) {
    const short = (await run(...path.split(' '), '--help')).out();
    const all = await run(...path.split(' '), '--help-all');
    expect(all.code).toBe(0);
    const full = all.out();
    const { options } = find(path);
    for (const { long } of options) expect(full).toContain(String(long));
    const left = options.filter(({ long }) => !short.includes(`${String(long)} `));
    expect(left.length).toBeGreaterThan(0);
    expect(short).toContain(`list ${left.length} more options`);
  }
});

test('every option is in the full help of its command', () => {
  for (const command of allBelow(PROGRAM))
    expect(new Help().visibleOptions(command).length).toBeGreaterThanOrEqual(
      command.options.filter(({ hidden }) => !hidden).length,
    );
});

describe('a command line that is not understood', () => {
  test.each([
    ['unknown option', ['predict', 'MODEL', 'a.jpg', '--nope'], /unknown option '--nope'/],
    ['unknown verb', ['trian'], /unknown command 'trian'/],
    ['missing argument', ['predict', 'MODEL'], /missing required argument 'images'/],
    ['missing option', ['eval', 'MODEL'], /required option '--data <path>' not specified/],
    [
      'missing value',
      ['eval', 'MODEL', '--json', '--data'],
      /option '--data <path>' argument missing/,
    ],
    ['no subcommand', ['data'], /unknown option '--json'/],
    ['unknown choice', ['weights', 'list', '--task', 'cook'], /'cook' is invalid/],
    ['too many arguments', ['doctor', 'now'], /too many arguments/],
  ])('%s: with --json one document on standard output', async (_, args, message) => {
    const { code, out, err } = await run(...args, ...(args.includes('--json') ? [] : ['--json']));
    expect(code).toBe(2);
    expect(err()).toBe('');
    const { error } = JSON.parse(out()) as { error: { code: string; message: string } };
    expect(error.code).toBe('UsageError');
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/^error/);
  });

  test('without --json: the message for people, and nothing on standard output', async () => {
    const { code, out, err } = await run('eval', 'MODEL');
    expect([code, out()]).toEqual([2, '']);
    expect(err()).toContain("error: required option '--data <path>' not specified");
    expect(err()).toContain('--help lists');
  });
});

test.each([
  [
    ['predict', 'RUN', 'a.jpg', '--tsk', 'detect'],
    "unknown option '--tsk'\n(Did you mean --task?)",
  ],
  [['train', '--offlin'], "unknown option '--offlin'\n(Did you mean --offline?)"],
  [['eval', 'RUN', '--dat', 'DIR'], "unknown option '--dat'\n(Did you mean --data?)"],
  [['eval', 'RUN'], "required option '--data <path>' not specified"],
] as const)(
  '%j says what it may have meant, also of options that the short help leaves out',
  async (args, message) => {
    await expect(
      (await createProgram(true)).parseAsync([...args], { from: 'user' }),
    ).rejects.toThrow(message);
  },
);

test('a verb with control characters, such as a name that a shell puts in place of *, commands no terminal', async () => {
  let text = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await runProgram(['a\u001b[2J']).finally(() => write.mockRestore());
  expect(code).toBe(2);
  expect(text).toContain("unknown command 'a\\u001b[2J'");
});
