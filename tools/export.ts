import { Option, type Command } from 'commander';
import { OptionError } from '../core/errors.js';
import type { ExportDocument } from '../inference/export/export-onnx.js';
import type { ExportPrecision } from '../inference/export/contract.js';
import type { SiteDocument } from '../serve/browser/write-site.js';
import { engineOptions, wholeNumber } from './engine-options.js';
import { RARE } from './help.js';
import { addModelOptions, type ModelFlags } from './model-options.js';
import { formatTable, log, print, printJson } from './output.js';
import { waitsFor } from './waiting.js';

interface Flags extends ModelFlags {
  readonly out?: string;
  readonly web?: string;
  readonly precision: ExportPrecision;
  readonly calibrate?: string;
  readonly layout: 'nhwc' | 'nchw';
  readonly input: 'uint8' | 'float';
  readonly raw: boolean;
  readonly argmax: boolean;
  readonly opset: number;
  readonly batch?: number;
  readonly height?: number;
  readonly width?: number;
  readonly hardNms: boolean;
  readonly license?: string;
}

/** `convnextv2 export` */
export function defineExport(verb: Command): void {
  verb
    .argument('<model>', 'run folder, checkpoint or weight file, or official name')
    .option('--out <file>', 'ONNX file; its contract is inside and in a JSON beside it')
    .option('--web <dir>', 'new folder with a page and the model, for any static server')
    .addOption(
      new Option(
        '--precision <type>',
        'fp16 is half as large, int8 a quarter (--out, needs --calibrate)',
      )
        .choices(['fp32', 'fp16', 'int8'])
        .default('fp32'),
    )
    .option('--calibrate <folder>', 'pictures like those that the model will see, for int8')
    .addOption(
      new Option('--layout <axes>', 'axes of images: nhwc, or nchw')
        .choices(['nhwc', 'nchw'])
        .default('nhwc'),
    )
    .addOption(
      new Option('--input <type>', 'RGB values of images: uint8 0-255, or float 0-1')
        .choices(['uint8', 'float'])
        .default('uint8'),
    )
    .option('--raw', 'leave out resizing, normalization and padding', false)
    .option('--argmax', 'class of every pixel instead of scores (segment)', false)
    .optionsGroup(RARE)
    .option('--opset <n>', "version of ONNX's operators, 17 to 21", wholeNumber('--opset'), 20)
    .option(
      '--batch <n>',
      'fix the number of images at a time (default: any)',
      wholeNumber('--batch'),
    )
    .option('--height <px>', 'fix the height of the input (default: any)', wholeNumber('--height'))
    .option('--width <px>', 'fix the width of the input (default: any)', wholeNumber('--width'))
    .option('--hard-nms', 'ordinary suppression for detectors that use soft-NMS', false)
    .option('--license <text>', 'license of the weights, for the contract')
    .optionsGroup('');
  addModelOptions(verb).action((model: string, flags: Flags) => run(model, flags));
}

async function run(model: string, flags: Flags): Promise<void> {
  const { out, web } = flags;
  if ((out === undefined) === (web === undefined))
    throw new OptionError(
      'export: expected either --out FILE for ONNX, or --web DIR for a page that runs the model in the browser, ' +
        `got ${out === undefined ? 'neither' : 'both; run it twice'}`,
    );
  return web === undefined
    ? writeOnnx(model, { ...flags, out: out! })
    : writeWeb(model, web, flags);
}

/** Writes the page. */
async function writeWeb(model: string, folder: string, flags: Flags): Promise<void> {
  const { precision } = flags;
  if (precision === 'int8')
    throw new OptionError('--precision: expected fp32 or fp16 for --web, got int8');
  const { load } = await import('../inference/open.js');
  const { writeSite } = await import('../serve/browser/write-site.js');
  const document = await writeSite(
    await load(model, { ...flags, onNotice: log }),
    folder,
    precision,
  );
  if (flags.json) printJson(document);
  else print(siteLines(document));
}

/** Formats the result of `--web` for people. */
function siteLines({ folder, modelBytes, pageBytes, precision }: SiteDocument): string {
  return [
    `${folder}: model ${(modelBytes / 1e6).toFixed(1)} MB (${precision}), page ${(pageBytes / 1e6).toFixed(1)} MB, and onnxruntime-web`,
    `look at it with: npx http-server ${folder}`,
    'several threads need the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
  ].join('\n');
}

async function writeOnnx(model: string, flags: Flags & { readonly out: string }): Promise<void> {
  const { dirname } = await import('node:path');
  const { optionsAmong } = await import('../core/options.js');
  const { cardFile, exportOnnx, EXPORT_RULES } = await import('../inference/export/export-onnx.js');
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  assertWritableFolder(dirname(flags.out));
  waitsFor(`loading ${model}, writing its graph, and comparing what it answers`);
  const document = await exportOnnx(model, {
    ...optionsAmong(flags, EXPORT_RULES),
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
  contract,
  differences,
}: ExportDocument): string {
  const sizes = contract.inputs.map(
    ({ name, type, shape }) => `${name} [${shape.map((size) => size ?? 'any').join(', ')}] ${type}`,
  );
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
