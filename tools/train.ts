import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import { RUN_CONFIG } from '../io/files/run-mark.js';
import { shellWord } from '../core/shell-word.js';
import type { TrainOptions } from '../train/options.js';
import type { TrainOutcome } from '../train/train.js';
import { addDataOptions, valFractionOption } from './data-options.js';
import {
  addEngineOptions,
  aboveZero,
  atLeastZero,
  collected,
  countingNumber,
  engineOptions,
  wholeNumber,
  type EngineFlags,
} from './engine-options.js';
import { RARE } from './help.js';
import { log, printJson, type JsonFlag } from './output.js';
import { waitsFor } from './waiting.js';

/** Most flags have the names of the library's options. */
interface Flags
  extends
    EngineFlags,
    JsonFlag,
    Omit<TrainOptions, 'data' | 'folder' | 'config' | 'engine' | 'resume'> {
  readonly data?: string;
  readonly out?: string;
  readonly config?: string;
  readonly resume?: true | string;
}

/** `convnextv2 train` */
export function defineTrain(verb: Command): void {
  verb
    .argument(
      '[recipe]',
      'name of a recipe (convnextv2 config list), a configuration file, or a run to repeat or resume',
    )
    .option('--data <dir>', 'data set')
    .option('--out <dir>', 'run folder')
    .option('--weights <model>', 'weights to start from: a file or an official name')
    .optionsGroup(RARE)
    .option('--model <size>', 'atto … huge, instead of the size of the recipe or the weights')
    .option('--config <file>', 'YAML or JSON with settings over those of the recipe')
    .optionsGroup('')
    .option('--set <path=value>', 'change a setting of the recipe', collected, [])
    .optionsGroup(RARE)
    .addOption(valFractionOption())
    .option('--seed <n>', 'seed of everything random', wholeNumber('--seed'))
    .optionsGroup('')
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
    .option(
      '--steps <n>',
      'stop after n steps; the schedule stays as it is',
      countingNumber('--steps'),
    )
    .option(
      '--batch <n>',
      'images at a time (batchSize); accumulated to about the images of an update of the recipe',
      countingNumber('--batch'),
    )
    .option(
      '--lr <rate>',
      'peak learning rate (lr; pre-training: baseLr, the rate for 256 images per update)',
      aboveZero('--lr'),
    )
    .option(
      '--size <px>',
      'short side of the input; all sizes of the recipe are scaled alike',
      countingNumber('--size'),
    )
    .option(
      '--overfit <n>',
      'prove in two minutes, on n images, that the set can be learned; exit code 1 if not',
      wholeNumber('--overfit'),
    )
    .optionsGroup(RARE)
    .option(
      '--patience <n>',
      'stop after n evaluations without a better score',
      wholeNumber('--patience'),
    )
    .optionsGroup(RARE)
    .option(
      '--checkpoint-minutes <n>',
      'save also whenever so many minutes have passed, 0: never',
      atLeastZero('--checkpoint-minutes'),
      15,
    )
    .optionsGroup('')
    .option('--resume [run]', 'go on from the newest checkpoint of the run folder')
    .optionsGroup(RARE)
    .option('--no-report', 'do not examine the trained model for the report')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--offline', 'refuse a name that is not in the cache instead of pulling it')
    .optionsGroup('')
    .option('--json', 'print one JSON document at the end');
  addDataOptions(addEngineOptions(verb)).action((recipe: string | undefined, flags: Flags) =>
    run(recipe, flags),
  );
}

/**
 * Finds recipe and run folder: `train RECIPE --out RUN [--resume]`, `train RUN --resume` or `train --resume RUN`.
 *
 * @throws ConfigError if one of them is missing, or two run folders are given
 */
export function runToTrain(
  first: string | undefined,
  { out, resume }: Pick<Flags, 'out' | 'resume'>,
): { readonly recipe: string; readonly out: string } {
  const named = typeof resume === 'string' ? resume : undefined;
  if (first !== undefined && named !== undefined && out !== undefined && out !== named)
    throw new OptionError(`--resume: expected the folder of --out ${out}, got ${named}`);
  const recipe = first ?? named;
  if (recipe === undefined)
    throw new OptionError(
      'train: expected a recipe (convnextv2 config list) or a run, got none; such as: npx convnextv2 train detect --data DIR --out RUN',
    );
  const folder = out ?? named ?? (resume ? recipe : undefined);
  if (folder === undefined)
    throw new OptionError(
      existsSync(join(recipe, RUN_CONFIG))
        ? `--out: expected a new run folder to repeat ${recipe}, got none; to go on with it: npx convnextv2 train ${shellWord(recipe)} --resume`
        : "--out: expected a run folder, got none: option '--out <dir>' not specified",
    );
  return { recipe, out: folder };
}

async function run(first: string | undefined, flags: Flags): Promise<void> {
  const { json = false } = flags;
  const { recipe, out } = runToTrain(first, flags);
  if (flags.out === undefined && !existsSync(join(out, RUN_CONFIG)))
    throw new OptionError(
      `--resume: expected a run folder, got ${out}, ${existsSync(out) ? `which has no ${RUN_CONFIG}` : 'which is not there'}`,
    );
  const { optionsAmong } = await import('../core/options.js');
  const { train } = await import('../train/train.js');
  const { TRAIN_RULES } = await import('../train/train-options.js');
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
    const { config: configFile, ...others } = flags;
    const options = optionsAmong(others, TRAIN_RULES);
    waitsFor(`reading ${flags.data ?? 'the data'}`);
    const result = await train(recipe, {
      ...options,
      folder: out,
      configFile,
      engine,
      communicator,
      resume: Boolean(flags.resume),
      signal: stop.signal,
      listener: new ProgressView(process.stderr, { waits: waitsFor }),
    });
    await ranks.finish();
    if (json && communicator.rank === 0) printJson(result);
    if (result.interrupted) {
      log(
        `interrupted at step ${result.step}; go on with: npx convnextv2 train ${shellWord(out)} --resume`,
      );
      process.exitCode = 130;
    } else if (result.overfit) process.exitCode = result.overfit.learnt ? 0 : 1;
    else {
      const goOn = result.cutBySteps
        ? `; go on with: npx convnextv2 train ${shellWord(out)} --resume`
        : '';
      log(`done: ${out}${goOn}${await next(out, result)}`);
    }
  } catch (error) {
    await ranks.fail(error, json);
  } finally {
    endListening();
  }
}

/** Prints the next command, unless printed before. */
async function next(out: string, { task }: TrainOutcome): Promise<string> {
  if (task !== 'pretrain') return `; next: npx convnextv2 predict ${shellWord(out)} IMAGE…`;
  const { RECONSTRUCTIONS } = await import('../train/pretrain/set-up.js');
  const pictures = join(out, RECONSTRUCTIONS);
  log(
    `fine-tune from it: npx convnextv2 train classify-finetune --data DIR --out RUN --weights ${shellWord(join(out, 'checkpoints'))}` +
      (existsSync(pictures) ? `; pictures: ${pictures}` : ''),
  );
  return '';
}
