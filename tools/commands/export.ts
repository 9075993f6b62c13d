import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, wholeNumber } from '../engine-options.js';
import type { ExportRequest } from '../export/request.js';
import { printJson } from '../output.js';

interface Flags extends EngineFlags, Omit<ExportRequest, 'engine'> {
  readonly task?: string;
  readonly cache?: string;
  readonly json?: boolean;
}

/** `convnextv2 export` */
export function registerExport(program: Command): void {
  addEngineOptions(
    program
      .command('export')
      .description('write a model as one ONNX file, checked against our output'),
  )
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .requiredOption(
      '--out <file>',
      'ONNX file; what its inputs and outputs mean goes to a JSON beside it',
    )
    .option('--task <task>', 'classify, detect or segment, for weight files that do not say it')
    .option('--batch <n>', 'images at a time', wholeNumber('--batch'), 1)
    .option(
      '--height <px>',
      "height of the input (default: the model's own)",
      wholeNumber('--height'),
    )
    .option('--width <px>', "width of the input (default: the model's own)", wholeNumber('--width'))
    .option('--hard-nms', 'ordinary suppression for detectors that use soft-NMS', false)
    .option('--ema', 'use the moving average of the weights', false)
    .option('--classes <file>', 'class names, for weight files without (JSON or one a line)')
    .option(
      '--size <px>',
      'side of the input, for weight files that do not say it',
      wholeNumber('--size'),
    )
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, flags: Flags) => run(model, flags));
}

async function run(model: string, flags: Flags): Promise<void> {
  const { ConfigError } = await import('../../core/errors.js');
  const { batch, height = 32, width = 32, out } = flags;
  if (batch < 1 || height < 32 || width < 32)
    throw new ConfigError('export: expected --batch from 1, --height and --width from 32');
  if (!out.endsWith('.onnx'))
    throw new ConfigError(`--out: expected a name that ends in .onnx, got ${out}`);
  const { locateModel } = await import('../model/locate.js');
  const { exportLines, exportToFile } = await import('../export/run.js');
  const located = await locateModel(model, flags);
  const document = await exportToFile(located, { ...flags, engine: engineOptions(flags) });
  if (flags.json) printJson(document);
  else console.log(exportLines(document));
}
