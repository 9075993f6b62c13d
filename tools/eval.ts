import type { Command } from 'commander';
import type { EngineFlags } from './engine-options.js';
import { addEngineOptions, engineOptions, fraction, wholeNumber } from './engine-options.js';
import { formatTable, log, printJson } from './output.js';

interface Flags extends EngineFlags {
  readonly data: string;
  readonly task?: string;
  readonly split: 'train' | 'val';
  readonly batch: number;
  readonly workers: number;
  readonly limit?: number;
  readonly classes?: string;
  readonly size?: number;
  readonly ema: boolean;
  readonly tta: boolean;
  readonly slide: boolean;
  readonly perCategory: boolean;
  readonly valFraction?: number;
  readonly seed: number;
  readonly out?: string;
  readonly shard?: string;
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
      '--val-fraction <fraction>',
      'fraction that is held out, for data without splits',
      fraction('--val-fraction'),
    )
    .option('--seed <n>', 'of that division', wholeNumber('--seed'), 0)
    .option('--out <dir>', 'also write the results there; go on with what is there (classify)')
    .option('--shard <i/n>', 'only shard i of n, from 0; all into the same --out')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, flags: Flags) => run(model, flags));
}

async function run(name: string, flags: Flags): Promise<void> {
  const { ConfigError } = await import('../core/errors.js');
  if ((flags.split as string) !== 'train' && flags.split !== 'val')
    throw new ConfigError(`--split: expected train or val, got ${String(flags.split)}`);
  if (flags.batch < 1) throw new ConfigError('--batch: expected a whole number from 1, got 0');
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  const { openModel } = await import('./open-model.js');
  const { evaluationReport } = await import('../train/evaluate.js');
  const { joinRanks } = await import('./distributed.js');
  const ranks = await joinRanks();
  try {
    if (flags.out !== undefined) assertWritableFolder(flags.out);
    const engine = engineOptions({ ...flags, threads: flags.threads || ranks.threads });
    const model = await openModel(name, { ...flags, engine }, Infinity);
    try {
      const { document, table } = await evaluationReport(model, flags.data, {
        ...flags,
        communicator: ranks.communicator,
        onNotice: log,
      });
      await ranks.finish();
      if (ranks.communicator.rank > 0) return;
      if (flags.json) printJson(document);
      else console.log(formatTable(table));
    } finally {
      await model.release();
    }
  } catch (error) {
    await ranks.fail(error, flags.json ?? false);
  }
}
