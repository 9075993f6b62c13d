import type { Command } from 'commander';
import type { CollapseRequest } from './analyze/collapse.js';
import type { FlopsRequest } from './analyze/flops.js';
import { addEvaluatedDataOptions, assertSplit, type EvaluatedDataFlags } from './data-options.js';
import {
  addEngineOptions,
  engineOptions,
  wholeNumber,
  type EngineFlags,
} from './engine-options.js';
import { addModelOptions, type ModelFlags } from './model-options.js';
import { formatTable, log, print, printJson, type JsonFlag } from './output.js';

type CollapseFlags = Omit<CollapseRequest, 'models' | 'engine'> & EngineFlags & JsonFlag;

interface FlopsFlags extends Pick<FlopsRequest, 'classes' | 'cache'>, JsonFlag {
  readonly size: number;
  readonly width?: number;
}

type ErrorsFlags = EvaluatedDataFlags & ModelFlags;

interface LogsFlags extends JsonFlag {
  readonly out?: string;
}

/** `convnextv2 analyze` */
export function defineAnalyze(analyze: Command): void {
  addEngineOptions(
    analyze
      .command('collapse')
      .description('cosine distance between the channels of every block, and pictures of them'),
  )
    .argument('<models...>', 'run folders, checkpoint or weight files, official names')
    .requiredOption('--data <dir>', 'folder of images')
    .requiredOption('--out <dir>', 'folder for curves and pictures')
    .option('--limit <n>', 'most images, taken evenly from all', wholeNumber('--limit'), 100)
    .option('--size <px>', "side of the input instead of the model's", wholeNumber('--size'))
    .option('--ema', 'use the moving average of the weights (default: where it scored better)')
    .option('--no-ema', 'use the weights themselves')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((models: string[], flags: CollapseFlags) => collapse(models, flags));
  addModelOptions(
    addEvaluatedDataOptions(
      analyze
        .command('errors')
        .description('mistakes of a detector by kind: how many, and how much AP50 each kind costs')
        .argument('<model>', 'run folder, checkpoint or weight file, or official name'),
    ),
  ).action((model: string, flags: ErrorsFlags) => errors(model, flags));
  analyze
    .command('flops')
    .description('multiply-adds and parameters by stage')
    .argument('<model>', 'atto … huge, run folder, checkpoint or weight file, official name')
    .option('--size <px>', 'height of the image, and its width too', wholeNumber('--size'), 224)
    .option('--width <px>', 'width, where it is another', wholeNumber('--width'))
    .option('--classes <n>', "the head's classes, 0: none", wholeNumber('--classes'), 1000)
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, flags: FlopsFlags) => flops(model, flags));
  analyze
    .command('logs')
    .description('compare runs: curves, best scores, settings that differ')
    .argument('<runs...>', 'run folders')
    .option('--out <file>', 'write the comparison as an HTML page')
    .option('--json', 'print one JSON document')
    .action((runs: readonly string[], flags: LogsFlags) => compare(runs, flags));
}

async function collapse(models: readonly string[], flags: CollapseFlags): Promise<void> {
  const { analyzeCollapse } = await import('./analyze/collapse.js');
  const results = await analyzeCollapse({ ...flags, models, engine: engineOptions(flags) });
  if (flags.json) {
    printJson({ models: results });
    return;
  }
  for (const { name, blocks } of results) {
    const rows = blocks.map(({ layer, point, distance }) => [layer, point, distance.toFixed(4)]);
    log(`${name}\n${formatTable([['block', 'activation', 'distance'], ...rows])}`);
  }
  log(`curves: ${flags.out}/collapse.svg and .png; channels: ${flags.out}/channels`);
}

async function errors(name: string, flags: ErrorsFlags): Promise<void> {
  assertSplit(flags.split);
  const { assertDataExists } = await import('../datasets/layout/detect.js');
  const { openModel } = await import('./open-model.js');
  const { analyzeErrors, errorTables } = await import('./analyze/errors.js');
  assertDataExists(flags.data); // before a model is pulled
  const model = await openModel(name, { ...flags, engine: engineOptions(flags) }, Infinity);
  try {
    const analysis = await analyzeErrors(model, flags.data, { ...flags, onNotice: log });
    if (flags.json) {
      printJson(analysis);
      return;
    }
    const { costs, worst } = errorTables(analysis);
    print(`${formatTable(costs)}\n\n${analysis.advice}`);
    if (worst.length > 1) print(`\n${formatTable(worst)}`);
  } finally {
    await model.release();
  }
}

async function flops(model: string, flags: FlopsFlags): Promise<void> {
  const { analyzeFlops } = await import('./analyze/flops.js');
  const { size, width, classes, cache } = flags;
  const image = { heightPx: size, widthPx: width ?? size };
  const report = await analyzeFlops({ model, ...image, classes, cache });
  if (flags.json) {
    printJson({ model, ...report });
    return;
  }
  const rows = report.parts.map(({ part, macs, parameters }) => [
    part,
    (macs / 1e9).toFixed(3),
    parameters,
  ]);
  print(formatTable([['part', 'G multiply-adds', 'parameters'], ...rows]));
}

async function compare(folders: readonly string[], { out, json }: LogsFlags): Promise<void> {
  const { compareRuns, comparisonForPeople, writeComparison } =
    await import('../report/compare-runs.js');
  const { writeReport } = await import('../report/run-report.js');
  const { assertReplaceable, PAGE } = await import('../io/files/apart.js');
  if (out !== undefined) assertReplaceable('--out', out, PAGE);
  const comparison = compareRuns(folders);
  const { runs, differences } = comparison;
  // A run that is still training or was killed has no report yet.
  for (const folder of folders) log(`report: ${writeReport(folder)}`);
  if (json) {
    printJson({
      runs: runs.map(({ name, step, epoch, loss, imagesPerSecond, best }) => {
        return { name, step, epoch, loss, imagesPerSecond, best };
      }),
      differences,
    });
  } else {
    const { columns, rows } = comparisonForPeople(comparison);
    print(formatTable([columns, ...rows.map((row) => row.map((cell) => cell ?? ''))]));
    if (differences.length > 0) {
      print('\nsettings that differ');
      const lines = differences.map(({ path, values }) => [path, ...values]);
      print(formatTable([['', ...runs.map(({ name }) => name)], ...lines]));
    }
  }
  if (out !== undefined) {
    writeComparison(out, comparison);
    log(`comparison: ${out}`);
  }
}
