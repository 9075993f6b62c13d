import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { TrainOutcome } from '../train/train.js';
import { addDataOptions } from './data-options.js';
import type { EngineFlags } from './engine-options.js';
import {
  addEngineOptions,
  aboveZero,
  atLeastZero,
  engineOptions,
  fraction,
  wholeNumber,
} from './engine-options.js';
import { log, printJson } from './output.js';

interface Flags extends EngineFlags {
  readonly data?: string;
  readonly out: string;
  readonly weights?: string;
  readonly model?: string;
  readonly set: readonly string[];
  readonly config?: string;
  readonly seed?: number;
  readonly patience?: number;
  readonly steps?: number;
  readonly minutes?: number;
  readonly epochs?: number;
  readonly overfit?: number;
  readonly checkpointMinutes?: number;
  readonly resume?: boolean;
  readonly cache?: string;
  readonly offline?: boolean;
  readonly valFraction?: number;
  readonly layout?: string;
  readonly classAttribute?: string;
  readonly classes?: readonly string[];
  readonly report: boolean;
  readonly json?: boolean;
}

/** `convnextv2 train` */
export function registerTrain(program: Command): void {
  const verb = program
    .command('train')
    .description('train by recipe: classify, detect, segment, pre-train');
  addDataOptions(addEngineOptions(verb))
    .argument(
      '<recipe>',
      'name of a recipe (convnextv2 config list), a configuration file, or a run to repeat',
    )
    .option('--data <dir>', 'data set')
    .requiredOption('--out <dir>', 'run folder')
    .option('--weights <model>', 'weights to start from: a file or an official name')
    .option('--model <size>', 'atto … huge, instead of the size of the recipe or the weights')
    .option('--config <file>', 'YAML or JSON with settings over those of the recipe')
    .option(
      '--set <path=value>',
      'change a setting of the recipe',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option(
      '--val-fraction <fraction>',
      'fraction that is held out, for data without splits',
      fraction('--val-fraction'),
    )
    .option('--seed <n>', 'seed of everything random', wholeNumber('--seed'))
    .option(
      '--minutes <n>',
      'end within this time, last evaluation and report included: the schedule is laid out for it',
      aboveZero('--minutes'),
    )
    .option(
      '--epochs <n>',
      'passes over the images, for which the schedule is laid out; default: by the size of the set',
      aboveZero('--epochs'),
    )
    .option('--steps <n>', 'stop after this many steps', wholeNumber('--steps'))
    .option(
      '--overfit <n>',
      'train on n images only, without augmentation, to prove in two minutes that the set can be learnt; exit code 1 if not',
      wholeNumber('--overfit'),
    )
    .option(
      '--patience <n>',
      'stop after n evaluations without a better score',
      wholeNumber('--patience'),
    )
    .option(
      '--checkpoint-minutes <n>',
      'save also whenever so many minutes have passed, 0: never',
      atLeastZero('--checkpoint-minutes'),
      15,
    )
    .option('--resume', 'go on from the newest checkpoint of the run folder', false)
    .option('--no-report', 'do not examine the trained model for the report')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--offline', 'refuse a name that is not in the cache instead of pulling it')
    .option('--json', 'print one JSON document at the end')
    .action((recipe: string, flags: Flags) => run(recipe, flags));
}

async function run(recipe: string, flags: Flags): Promise<void> {
  const { out, json = false } = flags;
  const { train } = await import('../train/train.js');
  const { listenForStop } = await import('./stop-signals.js');
  const { joinRanks } = await import('./distributed.js');
  const { ProgressView } = await import('./progress/view.js');
  const stop = new AbortController();
  const endListening = listenForStop(() => {
    log(
      'saving after this step, then stopping; once more stops at once (the last checkpoint stays)',
    );
    stop.abort();
  });
  const ranks = await joinRanks();
  const { communicator } = ranks;
  try {
    const engine = engineOptions({ ...flags, threads: flags.threads || ranks.threads });
    const { config: configFile, ...options } = flags;
    const result = await train(recipe, {
      ...options,
      ...{ folder: out, configFile, engine, communicator },
      signal: stop.signal,
      listener: new ProgressView(process.stderr),
    });
    await ranks.finish();
    if (json && communicator.rank === 0) printJson(result);
    if (result.interrupted) {
      log(
        `interrupted at step ${result.step}; go on with: convnextv2 train ${recipe} --out ${out} --resume`,
      );
      process.exitCode = 130;
    } else if (result.overfit) process.exitCode = result.overfit.learnt ? 0 : 1;
    else log(`done: ${out}${await next(out, result)}`);
  } catch (error) {
    await ranks.fail(error, json);
  } finally {
    endListening();
  }
}

/** Prints the next command, unless printed before. */
async function next(out: string, { task }: TrainOutcome): Promise<string> {
  if (task !== 'pretrain') return `; next: convnextv2 predict ${out} IMAGE…`;
  const { RECONSTRUCTIONS } = await import('../train/pretrain/set-up.js');
  const pictures = join(out, RECONSTRUCTIONS);
  log(
    `fine-tune from it: convnextv2 train classify-finetune --data DIR --out RUN --weights ${join(out, 'checkpoints')}` +
      (existsSync(pictures) ? `; pictures: ${pictures}` : ''),
  );
  return '';
}
