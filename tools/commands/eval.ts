import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, fraction, wholeNumber } from '../engine-options.js';
import type { EvalRequest } from '../eval/request.js';
import { formatTable, printJson } from '../output.js';

interface Flags extends EngineFlags, Omit<EvalRequest, 'engine'> {
  readonly task?: string;
  readonly cache?: string;
  readonly json?: boolean;
}

/** `convnextv2 eval` */
export function registerEval(program: Command): void {
  addEngineOptions(program.command('eval').description('run a model over a data set and score it'))
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .requiredOption('--data <path>', 'data set')
    .option('--task <task>', 'classify, detect or segment, for weight files that do not say it')
    .option('--split <name>', 'train or val', 'val')
    .option('--batch <n>', 'images at a time', wholeNumber('--batch'), 8)
    .option('--workers <n>', 'threads that load images', wholeNumber('--workers'), 2)
    .option('--limit <n>', 'only the first n images', wholeNumber('--limit'))
    .option('--classes <file>', 'class names, for weight files without')
    .option(
      '--size <px>',
      'side of the input, for weight files that do not say it',
      wholeNumber('--size'),
    )
    .option('--ema', 'use the moving average of the weights', false)
    .option('--tta', 'average over mirror images and scales (detect, segment)', false)
    .option('--slide', 'sliding windows instead of whole images (segment)', false)
    .option('--per-category', 'also a line for each category', false)
    .option(
      '--val-fraction <share>',
      'share that is held out, for data of one part',
      fraction('--val-fraction'),
    )
    .option('--seed <n>', 'of that division', wholeNumber('--seed'), 0)
    .option('--out <dir>', 'also write the results there; go on with what is there (classify)')
    .option('--shard <i/n>', 'only share i of n, from 0; all into the same --out')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, flags: Flags) => run(model, flags));
}

async function run(model: string, flags: Flags): Promise<void> {
  const { ConfigError } = await import('../../core/errors.js');
  if ((flags.split as string) !== 'train' && flags.split !== 'val')
    throw new ConfigError(`--split: expected train or val, got ${String(flags.split)}`);
  if (flags.batch < 1) throw new ConfigError('--batch: expected a whole number from 1, got 0');
  const { locateModel } = await import('../model/locate.js');
  const { evaluateModel } = await import('../eval/index.js');
  const { joinRanks } = await import('../distributed.js');
  const ranks = await joinRanks();
  try {
    const located = await locateModel(model, flags);
    const { document, table } = await evaluateModel(located, {
      ...flags,
      engine: engineOptions({ ...flags, threads: flags.threads || ranks.threads }),
      communicator: ranks.communicator,
    });
    await ranks.finish();
    if (ranks.communicator.rank > 0) return;
    if (flags.json) printJson(document);
    else console.log(formatTable(table));
  } catch (error) {
    await ranks.fail(error, flags.json ?? false);
  }
}
