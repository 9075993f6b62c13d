import type { Command } from 'commander';
import { addEvaluatedDataOptions, assertSplit, type EvaluatedDataFlags } from './data-options.js';
import { engineOptions, wholeNumber } from './engine-options.js';
import { addImageOptions, type ImageFlags } from './model-options.js';
import { formatTable, log, print, printJson } from './output.js';

interface Flags extends EvaluatedDataFlags, ImageFlags {
  readonly batch: number;
  readonly onnx?: string;
}

/** `convnextv2 eval` */
export function defineEval(verb: Command): void {
  verb
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .option('--batch <n>', 'images at a time', wholeNumber('--batch'), 8)
    .option('--workers <n>', 'threads that load images', wholeNumber('--workers'), 2)
    .option('--onnx <file>', 'also score a file exported from the model, and show the difference')
    .option('--per-category', 'also a line for each category', false)
    .option('--out <dir>', 'also write the results there; go on with what is there (classify)');
  addImageOptions(addEvaluatedDataOptions(verb)).action((model: string, flags: Flags) =>
    run(model, flags),
  );
}

async function run(name: string, flags: Flags): Promise<void> {
  const { OptionError } = await import('../core/errors.js');
  assertSplit(flags.split);
  if (flags.batch < 1) throw new OptionError('--batch: expected a whole number from 1, got 0');
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  const { assertDataExists } = await import('../datasets/layout/detect.js');
  const { openModel } = await import('./open-model.js');
  const { besideLoaders } = await import('../engine/runtime/engine.js');
  const { evaluationReport } = await import('../train/evaluate.js');
  const { joinRanks } = await import('./distributed.js');
  const { evaluateExported } = await import('./eval-exported.js');
  const ranks = await joinRanks();
  try {
    if (flags.out !== undefined) assertWritableFolder(flags.out);
    assertDataExists(flags.data); // before a model is pulled
    const engine = besideLoaders(
      engineOptions({ ...flags, threads: flags.threads || ranks.threads }),
    );
    const model = await openModel(name, { ...flags, engine }, Infinity);
    try {
      const { document, headline, table } = await evaluationReport(model, flags.data, {
        ...flags,
        communicator: ranks.communicator,
        onNotice: log,
      });
      await ranks.finish();
      if (ranks.communicator.rank > 0) return;
      const exported =
        flags.onnx === undefined ? undefined : await evaluateExported(model, flags.onnx, flags);
      if (flags.json) printJson(exported ? { ...document, onnx: exported.document } : document);
      else {
        const lines = [...(headline === undefined ? [] : [headline]), formatTable(table)];
        print([...lines, ...(exported ? ['', exported.compare(document)] : [])].join('\n'));
      }
    } finally {
      await model.release();
    }
  } catch (error) {
    await ranks.fail(error, flags.json ?? false);
  }
}
