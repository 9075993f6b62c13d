import type { Command } from 'commander';
import { log, print, printJson, type JsonFlag } from './output.js';

interface Flags extends JsonFlag {
  readonly data?: string;
  readonly task?: string;
  readonly machine?: string;
  readonly out: string;
  readonly yes: boolean;
}

/** `convnextv2 init` */
export function defineInit(verb: Command): void {
  verb
    .option('--data <dir>', 'data set; its layout tells the task')
    .option('--task <name>', 'classify, detect, segment or pretrain; default: by the data')
    .option('--machine <size>', 'small, medium or large; default: by cores and memory')
    .option('--out <file>', 'file to write, which must not be there', 'convnextv2.yaml')
    .option('--yes', 'ask nothing: defaults for what no flag says', false)
    .option('--json', 'ask nothing, and print one JSON document')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { OptionError, OutputError } = await import('../core/errors.js');
  const { guessMachine, MACHINES, TASK_NAMES } = await import('./init/plan.js');
  const { data, out } = flags;
  const task = oneOf('--task', flags.task, TASK_NAMES);
  const machine = oneOf('--machine', flags.machine, MACHINES);
  if (existsSync(out))
    throw OutputError.in(out, 'expected a new file, got one that is there; choose another --out');
  const isAsking = !flags.yes && !flags.json && !(data !== undefined && task && machine);
  if (isAsking && !process.stdin.isTTY)
    throw new OptionError(
      'init: expected a terminal to ask on, got none; add --yes, or --data, --task and --machine',
    );
  if (!isAsking && data === undefined)
    throw new OptionError('--data: expected the data set, got none');
  const { examineData, taskOf } = await import('./init/examine.js');
  const known = { data, task, machine, guess: guessMachine() };
  let choices;
  if (isAsking) {
    const { ask } = await import('./init/ask.js');
    choices = await ask(known, { input: process.stdin, output: process.stderr });
  } else choices = { data: String(data), task, machine: machine ?? known.guess };
  if (choices === undefined) {
    log('nothing was written');
    process.exitCode = 130;
    return;
  }
  const found = await examineData(choices.data);
  const chosen = { ...choices, task: taskOf(found, choices.data, choices.task) };
  const { writeConfig } = await import('./init/write-config.js');
  const document = writeConfig(chosen, { file: out, line: found.lines[chosen.task] ?? '' });
  if (flags.json) printJson(document);
  else print(`${out}: ${document.recipe}, for ${document.line}\nnext: ${document.command}`);

  function oneOf<T extends string>(
    flag: string,
    value: string | undefined,
    names: readonly T[],
  ): T | undefined {
    if (value === undefined || (names as readonly string[]).includes(value))
      return value as T | undefined;
    throw new OptionError(`${flag}: expected one of ${names.join(', ')}, got ${value}`);
  }
}
