import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ask } from '../../tools/init/ask.js';
import { guessMachine, MACHINES, TASK_NAMES } from '../../tools/init/plan.js';
import { writeConfig } from '../../tools/init/write-config.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';
import { writeTinyCoco } from '../helpers/tiny-coco.js';

const folder = dataFolder();
const GIB = 2 ** 30;

describe('the file', () => {
  test.each(TASK_NAMES.flatMap((task) => MACHINES.map((machine) => [task, machine] as const)))(
    'for %s on a %s machine resolves to the recipe with its settings',
    (task, machine) => {
      const file = folder.at('my.yaml');
      const written = writeConfig({ task, machine, data: 'a b' }, { file, line: 'COCO layout' });
      const text = readFileSync(file, 'utf8');
      const { recipe, config, sources } = resolveConfig(file, { set: [] });
      expect([recipe, config.task]).toEqual([written.recipe, task]);
      const { extends: _, ...settings } = parse(text) as Record<string, unknown>;
      expect(config).toMatchObject(settings);
      for (const key of Object.keys(settings)) expect(sources[key]).toContain('my.yaml');
      // A comment above every setting, and a command that the shell takes apart rightly.
      expect(text.match(/^# .*\n\w+: .*$/gm)).toHaveLength(1 + Object.keys(settings).length);
      expect(written.command).toContain(`--data 'a b' --out runs/${task}`);
      expect(text).toContain(written.command);
      expect(written.command.includes('--weights')).toBe(written.weights !== null);
    },
  );
});

test('the machine is guessed by cores and memory', () => {
  const guesses = [
    [2, 64],
    [8, 8],
    [8, 16],
    [32, 16],
    [16, 64],
  ].map(([cores, gib]) => guessMachine(cores, gib * GIB));
  expect(guesses).toEqual(['small', 'small', 'medium', 'medium', 'large']);
});

describe('without questions', () => {
  test('the data tell the task; nothing is overwritten', async () => {
    writeTinyCoco(folder.at('set'));
    const out = folder.at('my.yaml');
    const args = ['init', '--data', folder.at('set'), '--machine', 'small', '--out', out, '--json'];
    const first = await runInProcess(args);
    expect(JSON.parse(first.stdout)).toMatchObject({
      task: 'detect',
      recipe: 'detect',
      weights: null,
      file: out,
      line: expect.stringMatching(/^COCO layout: /) as unknown,
    });
    const before = readFileSync(out, 'utf8');
    const second = await runInProcess([...args.slice(0, -1), '--yes']);
    expect([second.code, second.stderr]).toEqual([
      2,
      expect.stringContaining('expected a new file'),
    ]);
    expect(readFileSync(out, 'utf8')).toBe(before);
  });

  test.each([
    ['no data', [], /--data: expected the data set/],
    ['another task', ['--task', 'classify'], /expected data to classify, got a set to detect or/],
    ['an unknown task', ['--task', 'pose'], /--task: expected one of detect, .*, got pose/],
    ['an unknown machine', ['--machine', 'huge'], /--machine: expected one of small, .*got huge/],
  ])('%s is refused', async (name, more, message) => {
    writeTinyCoco(folder.at('set'));
    const data = name === 'no data' ? [] : ['--data', folder.at('set')];
    const out = folder.at('my.yaml');
    const { code, stderr } = await runInProcess(['init', ...data, '--out', out, '--yes', ...more]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test('a pipe is told what to add', async () => {
    const { code, stderr } = await runInProcess(['init', '--out', folder.at('my.yaml')]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('add --yes')]);
  });
});

describe('with questions', () => {
  /** Types keys one after the other, as a person does. */
  async function answer(
    keys: readonly string[],
    known: Partial<Parameters<typeof ask>[0]> = {},
  ): Promise<{ answers: Awaited<ReturnType<typeof ask>>; shown: string }> {
    const [input, output] = [new PassThrough(), new PassThrough()];
    let shown = '';
    output.on('data', (part: Buffer) => (shown += part.toString()));
    const asked = ask(
      { data: undefined, task: undefined, machine: undefined, guess: 'small', ...known },
      { input, output },
    );
    let isDone = false;
    void asked.finally(() => (isDone = true)).catch(() => undefined);
    for (const key of keys) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      if (!isDone) input.write(key);
    }
    return { answers: await asked, shown };
  }

  test('asks for data, task and machine, and again for data that are none', async () => {
    writeTinyCoco(folder.at('set'));
    const { answers, shown } = await answer([
      ...[folder.at('none'), '\r', folder.at('set'), '\r'],
      ...['\r', '\x1b[B', '\r'],
    ]);
    expect(answers).toEqual({ data: folder.at('set'), task: 'detect', machine: 'medium' });
    expect(shown).toMatch(/What is the model to do\?/);
  });

  test('asks only for what flags do not say; Ctrl-C ends it', async () => {
    writeTinyCoco(folder.at('set'));
    const known = { data: folder.at('set'), task: 'segment' } as const;
    const { answers, shown } = await answer(['\r'], known);
    expect(answers).toEqual({ ...known, machine: 'small' });
    expect(shown).not.toContain('Where are your images');
    expect((await answer(['\x03'], known)).answers).toBeUndefined();
  });
});
