import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, wholeNumber } from '../engine-options.js';
import { formatTable, log, printJson } from '../output.js';

interface Flags extends EngineFlags {
  readonly data: string;
  readonly task: string;
  readonly split: 'train' | 'val';
  readonly batch: number;
  readonly workers: number;
  readonly limit?: number;
  readonly classes?: string;
  readonly size?: number;
  readonly ema?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
}

/** `convnextv2 eval` */
export function registerEval(program: Command): void {
  addEngineOptions(program.command('eval').description('run a model over a data set and score it'))
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .requiredOption('--data <dir>', 'data set')
    .option('--task <task>', 'classify', 'classify')
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
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, flags: Flags) => run(model, flags));
}

async function run(model: string, flags: Flags): Promise<void> {
  const { ConfigError } = await import('../../core/errors.js');
  if (flags.task !== 'classify')
    throw new ConfigError(`--task: expected classify, got ${flags.task}`);
  if (flags.split !== 'train' && flags.split !== 'val')
    throw new ConfigError(`--split: expected train or val, got ${String(flags.split)}`);
  if (flags.batch < 1) throw new ConfigError('--batch: expected a whole number from 1, got 0');
  const { readImageNet } = await import('../../datasets/imagenet.js');
  const { openClassifier } = await import('../model.js');
  const { evaluateClassifier } = await import('../../train/classification/evaluate.js');
  const { openEngine } = await import('../../engine/runtime/engine.js');
  const found = readImageNet(flags.data, { split: flags.split });
  log(
    `${flags.data}: ${found.layout}; ${found.samples.length} images, ${found.classes.length} classes`,
  );
  const opened = await openClassifier(model, {
    ...(flags.ema ? { which: 'model_ema' as const } : {}),
    ...(flags.cache ? { cacheFolder: flags.cache } : {}),
    ...(flags.classes ? { classes: flags.classes } : {}),
    ...(flags.size ? { size: flags.size } : {}),
  });
  const engine = await openEngine(engineOptions(flags));
  log(engine.description);
  const start = performance.now();
  const scores = await evaluateClassifier(engine, opened, found, {
    batchSize: flags.batch,
    workers: flags.workers,
    ...(flags.limit !== undefined ? { limit: flags.limit } : {}),
  });
  const seconds = (performance.now() - start) / 1000;
  const { count, top1, top5, loss } = scores;
  const document = {
    model: opened.file,
    data: flags.data,
    count,
    top1,
    top5,
    loss,
    seconds,
    imagesPerSecond: count / seconds,
  };
  if (flags.json) printJson(document);
  else {
    console.log(
      formatTable([
        ['images', 'top-1 %', 'top-5 %', 'loss', 'images/s'],
        [
          String(count),
          (100 * top1).toFixed(3),
          (100 * top5).toFixed(3),
          loss.toFixed(4),
          (count / seconds).toFixed(1),
        ],
      ]),
    );
  }
}
