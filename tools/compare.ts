import type { Command } from 'commander';
import { addEvaluatedDataOptions, assertSplit, type EvaluatedDataFlags } from './data-options.js';
import { engineOptions, wholeNumber } from './engine-options.js';
import { RARE } from './help.js';
import { addModelOptions, type ModelFlags } from './model-options.js';
import { formatTable, log, print, printJson } from './output.js';

interface Flags extends EvaluatedDataFlags, ModelFlags {
  readonly out: string;
  readonly samples: number;
  readonly drawSeed: number;
}

/** `convnextv2 compare` */
export function defineCompare(verb: Command): void {
  verb
    .argument('<models...>', 'run folders, checkpoint or weight files, official names')
    .option('--out <file>', 'HTML page', 'compare.html')
    .optionsGroup(RARE)
    .option('--samples <n>', 'draws of the bootstrap', wholeNumber('--samples'), 1000)
    .option('--draw-seed <n>', 'seed of the draws', wholeNumber('--draw-seed'), 0)
    .optionsGroup('');
  addModelOptions(addEvaluatedDataOptions(verb)).action((models: string[], flags: Flags) =>
    run(models, flags),
  );
}

async function run(models: readonly string[], flags: Flags): Promise<void> {
  const { OptionError } = await import('../core/errors.js');
  assertSplit(flags.split);
  if (models.length < 2)
    throw new OptionError(`compare: expected two models or more, got ${models.join(' ')}`);
  const { assertReplaceable, PAGE } = await import('../io/files/apart.js');
  const { assertDataExists } = await import('../datasets/layout/detect.js');
  assertReplaceable('--out', flags.out, PAGE);
  assertDataExists(flags.data); // before a model is pulled
  const { openModel } = await import('./open-model.js');
  const { compareModels } = await import('../train/compare-models.js');
  const { besideLoaders } = await import('../engine/runtime/engine.js');
  const { comparedTables, comparedVerdict } = await import('../report/compared-scores.js');
  const { compareRuns, writeComparison } = await import('../report/compare-runs.js');
  const { isRunFolder } = await import('../io/run-folder.js');
  const engine = besideLoaders(engineOptions(flags));
  const opened = models.map((name) => () => openModel(name, { ...flags, engine }, Infinity));
  const scores = await compareModels(opened, flags.data, { ...flags, onNotice: log });
  const verdict = comparedVerdict(scores, models);
  writeComparison(flags.out, compareRuns(models.filter(isRunFolder)), { ...scores, names: models });
  if (flags.json) {
    const { models: compared, ...rest } = scores;
    printJson({
      data: flags.data,
      split: flags.split,
      ...rest,
      verdict,
      page: flags.out,
      models: compared.map((each, m) => ({ model: models[m], ...each })),
    });
    return;
  }
  const [main] = comparedTables(
    { ...scores, models: scores.models.map((each) => only(each, scores.main)) },
    models,
  );
  print(
    `${verdict}\n\n${formatTable([main.columns, ...main.rows.map((row) => row.map((cell) => cell ?? ''))])}`,
  );
  log(`comparison: ${flags.out}`);
}

/** Keeps one metric. */
function only<Metrics extends { readonly metrics: object }>(each: Metrics, name: string): Metrics {
  const own = Object.entries(each.metrics).filter(([metric]) => metric === name);
  return { ...each, metrics: Object.fromEntries(own) };
}
