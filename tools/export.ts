import type { Command } from 'commander';
import type { ExportDocument } from '../inference/export/export-onnx.js';
import { engineOptions, wholeNumber } from './engine-options.js';
import { addModelOptions, type ModelFlags } from './model-options.js';
import { formatTable, log, print, printJson } from './output.js';

interface Flags extends ModelFlags {
  readonly out: string;
  readonly batch: number;
  readonly height?: number;
  readonly width?: number;
  readonly hardNms: boolean;
}

/** `convnextv2 export` */
export function registerExport(program: Command): void {
  const verb = program
    .command('export')
    .description('write a model as one ONNX file, checked against our output')
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .requiredOption(
      '--out <file>',
      'ONNX file; what its inputs and outputs mean goes to a JSON beside it',
    )
    .option('--batch <n>', 'images at a time', wholeNumber('--batch'), 1)
    .option(
      '--height <px>',
      "height of the input (default: the model's own)",
      wholeNumber('--height'),
    )
    .option('--width <px>', "width of the input (default: the model's own)", wholeNumber('--width'))
    .option('--hard-nms', 'ordinary suppression for detectors that use soft-NMS', false);
  addModelOptions(verb).action((model: string, flags: Flags) => run(model, flags));
}

async function run(model: string, flags: Flags): Promise<void> {
  const { dirname } = await import('node:path');
  const { cardFile, exportOnnx } = await import('../inference/export/export-onnx.js');
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  assertWritableFolder(dirname(flags.out));
  const document = await exportOnnx(model, {
    ...flags,
    engine: engineOptions(flags),
    onNotice: log,
  });
  log(`wrote ${flags.out} and ${cardFile(flags.out)}`);
  if (flags.json) printJson(document);
  else print(exportLines(document));
}

/** Formats the result for people. */
export function exportLines({
  file,
  bytes,
  opset,
  numNodes,
  inputs,
  differences,
}: ExportDocument): string {
  const sizes = Object.entries(inputs).map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  return [
    `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${numNodes} nodes, opset ${opset}; inputs ${sizes.join(', ')}`,
    formatTable([
      ['output', 'compared', 'largest', 'difference'],
      ...differences.map(({ name, count, maxAbs, maxAbsDifference }) => [
        name,
        count,
        maxAbs.toPrecision(4),
        maxAbsDifference.toExponential(1),
      ]),
    ]),
  ].join('\n');
}
