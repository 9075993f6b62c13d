import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import type { CatalogueEntry } from '../weights/catalogue.js';
import type { WeightsInspection } from '../weights/inspect.js';
import type { Progress } from '../weights/pull/download.js';
import type { Scheme } from '../weights/schemes/names.js';
import type { Which } from '../weights/select.js';
import { cacheFolder } from '../io/files/cache-folder.js';
import { formatTable, log, printJson, type JsonFlag } from './output.js';

interface CacheOptions extends JsonFlag {
  readonly cache?: string;
}

interface WhichOptions extends CacheOptions {
  readonly which?: Which;
}

/** Tolerance of logits compared with the published ones, which have four digits. */
const LOGIT_TOLERANCE = 1e-3;

/** `convnextv2 weights list|pull|inspect|convert|verify`. */
export function registerWeights(program: Command): void {
  const weights = program
    .command('weights')
    .description('official weight files, all containers and naming schemes');
  const which = (): Option =>
    new Option('--which <state>', 'trained weights or their moving average').choices([
      'model',
      'model_ema',
    ]);
  const subcommand = (usage: string, description: string): Command =>
    weights
      .command(usage)
      .description(description)
      .option(
        '--cache <folder>',
        'folder of pulled files (default: $CONVNEXTV2_CACHE or ~/.cache/convnextv2)',
      )
      .option('--json', 'print one JSON document');

  subcommand('list', 'the 26 official files').action(listAction);
  subcommand('pull <name...>', 'download official files into the cache, resuming')
    .option('--mirror <url>', 'fetch from a server with the same paths instead')
    .action(pullAction);
  subcommand('inspect <file>', 'what is in a weight file (or official name)')
    .addOption(which())
    .option('--tensors', 'list every tensor')
    .action(inspectAction);
  subcommand('convert <input> <output>', 'write safetensors under the names of another scheme')
    .addOption(
      new Option('--to <scheme>', 'naming scheme of the output')
        .choices(['official', 'timm', 'hf', 'sparse'])
        .default('official'),
    )
    .addOption(new Option('--dtype <type>', 'element type').choices(['f32', 'f16']).default('f32'))
    .addOption(which())
    .option('--conv-mlp', "timm's 4-D pointwise weights (default: where timm has them)")
    .option('--no-conv-mlp', '2-D pointwise weights')
    .action(convertAction);
  subcommand('verify <file>', 'checksum, names, shapes and finite values')
    .addOption(which())
    .option('--image <file>', 'COCO val2017 000000039769.jpg: compare the first five logits')
    .option('--as <name>', 'official name to compare with, if the file has another')
    .action(verifyAction);
}

async function listAction(options: CacheOptions): Promise<void> {
  const { CATALOGUE, WEIGHTS_LICENSE } = await import('../weights/catalogue.js');
  const { isCached } = await import('../weights/pull/cache.js');
  const folder = cacheFolder(options.cache);
  const entries = CATALOGUE.map((entry) => ({ ...entry, cached: isCached(entry, folder) }));
  if (options.json) {
    printJson({ licence: WEIGHTS_LICENSE, cacheFolder: folder, weights: entries });
    return;
  }
  const rows = entries.map(({ name, inputSizePx, numClasses, accuracy, cached }) => [
    name,
    inputSizePx,
    numClasses ?? '-',
    accuracy ? accuracy.top1.toFixed(1) : '-',
    accuracy ? accuracy.measured.top1.toFixed(3) : '-',
    cached ? 'yes' : 'no',
  ]);
  process.stdout.write(
    `${formatTable([['name', 'px', 'classes', 'top1', 'measured', 'cached'], ...rows])}\n`,
  );
  log(`license of all weights: ${WEIGHTS_LICENSE} (not for commercial use); cache: ${folder}`);
}

async function pullAction(
  names: readonly string[],
  options: CacheOptions & { readonly mirror?: string },
): Promise<void> {
  const { resolveModelName } = await import('../weights/model-name.js');
  const { pullWeights } = await import('../weights/pull/pull.js');
  const { summarizeWeights } = await import('../weights/verify.js');
  const folder = cacheFolder(options.cache);
  const entries = names.map(resolveModelName); // all names are checked before the first download
  const results = [];
  for (const entry of entries) {
    log(`${entry.name}: license ${entry.licence} (not for commercial use)`);
    const { size } = entry;
    const pulled = await pullWeights(
      { ...entry, url: mirrored(entry, options.mirror) },
      {
        cacheFolder: folder,
        onProgress: progressPrinter(entry.name),
        check: async (file) => void (await summarizeWeights(file, { size })),
      },
    );
    log(`${entry.name}: ${pulled.downloaded ? 'pulled to' : 'already at'} ${pulled.file}`);
    results.push({ name: entry.name, licence: entry.licence, ...pulled });
  }
  if (options.json) printJson({ weights: results });
}

/** Replaces the server of a URL. */
function mirrored({ url }: CatalogueEntry, mirror: string | undefined): string {
  return mirror === undefined ? url : mirror.replace(/\/$/, '') + new URL(url).pathname;
}

/** Prints progress: on a terminal one line that is rewritten, otherwise a line every 10 %. */
function progressPrinter(name: string): (progress: Progress) => void {
  const startMs = performance.now();
  let [lastMs, lastTenth] = [0, -1];
  return ({ receivedBytes, totalBytes }) => {
    const nowMs = performance.now();
    const fraction = totalBytes ? receivedBytes / totalBytes : 0;
    const tenth = Math.floor(fraction * 10);
    const isLast = receivedBytes === totalBytes;
    const due = process.stderr.isTTY ? nowMs - lastMs > 200 || isLast : tenth > lastTenth;
    if (!due) return;
    [lastMs, lastTenth] = [nowMs, tenth];
    const rate = receivedBytes / 1e6 / ((nowMs - startMs) / 1000);
    const total = totalBytes
      ? `${(totalBytes / 1e6).toFixed(0)} MB (${(fraction * 100).toFixed(0)} %)`
      : '?';
    const line = `${name}: ${(receivedBytes / 1e6).toFixed(0)} of ${total}, ${rate.toFixed(1)} MB/s`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K${isLast ? '\n' : ''}`);
    else log(line);
  };
}

async function inspectAction(
  nameOrFile: string,
  options: WhichOptions & { readonly tensors?: boolean },
): Promise<void> {
  const { inspectWeights } = await import('../weights/inspect.js');
  const { locateWeights } = await import('../weights/pull/cache.js');
  const { file } = await locateWeights(nameOrFile, cacheFolder(options.cache));
  const inspection = await inspectWeights(file, options.which);
  if (options.json) {
    printJson(options.tensors ? inspection : { ...inspection, tensors: undefined });
    return;
  }
  const lines = describeInspection(inspection);
  if (options.tensors) {
    for (const { name, dtype, shape } of inspection.tensors) {
      lines.push(`${name}  ${dtype} [${shape.join(', ')}]`);
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

function describeInspection({
  file,
  container,
  groups,
  dtypes,
  plain,
  network,
}: WeightsInspection): string[] {
  const counts = (record: object): string =>
    Object.entries(record)
      .map(([key, count]) => `${key} (${count})`)
      .join(', ');
  const lines = [
    `${file}: ${container}`,
    `tensors: ${counts(groups)}`,
    `dtypes: ${counts(dtypes)}`,
  ];
  if ('problem' in network) lines.push(`network: none that is known (${network.problem})`);
  else {
    const { architecture, scheme, version, numParameters, hasDecoder } = network;
    const { size, depths, dims, numClasses } = architecture;
    const head = numClasses === undefined ? 'no head' : `${numClasses} classes`;
    lines.push(
      `network: ConvNeXt V${version} ${size ?? '(no published size)'}, depths ${depths.join('-')}, dims ${dims.join('-')}, ${head}, ${numParameters} parameters`,
      `names: ${scheme}${hasDecoder ? ', with the decoder of a masked autoencoder' : ''}`,
    );
  }
  for (const [key, value] of Object.entries(plain as object)) {
    lines.push(`${key}: ${JSON.stringify(value).slice(0, 500)}`);
  }
  return lines;
}

async function convertAction(
  input: string,
  output: string,
  options: WhichOptions & {
    readonly to: Scheme;
    readonly dtype: 'f32' | 'f16';
    readonly convMlp?: boolean;
  },
): Promise<void> {
  const { convertWeights } = await import('../weights/convert.js');
  const { locateWeights } = await import('../weights/pull/cache.js');
  const { file } = await locateWeights(input, cacheFolder(options.cache));
  const { names, dropped, ...written } = await convertWeights(file, output, {
    scheme: options.to,
    dtype: options.dtype === 'f16' ? 'F16' : 'F32',
    which: options.which,
    timmConvMlp: options.convMlp,
  });
  if (options.json) printJson({ ...written, numTensors: names.length, dropped });
  if (dropped.length > 0) log(`${options.to} has no place for ${dropped.join(', ')}`);
  log(`${output}: ${names.length} tensors, ${written.bytes} bytes, ${options.to} names`);
}

interface VerifyOptions extends WhichOptions {
  readonly image?: string;
  readonly as?: string;
}

async function verifyAction(nameOrFile: string, options: VerifyOptions): Promise<void> {
  const { verifyWeights } = await import('../weights/verify.js');
  const { locateWeights } = await import('../weights/pull/cache.js');
  const { file, entry } = await locateWeights(nameOrFile, cacheFolder(options.cache));
  const verified = await verifyWeights(file, { which: options.which, size: entry?.size });
  const logits =
    options.image === undefined
      ? undefined
      : await compareLogits(file, options.image, options.as ?? entry?.name);
  if (options.json) {
    printJson({ ...verified, logits });
    return;
  }
  const { architecture, numParameters, sha256, recorded } = verified;
  log(`${file}: sound; ${architecture.size ?? 'no published size'}, ${numParameters} parameters`);
  log(`sha256 ${sha256}${recorded ? ', as recorded' : ' (no record to compare with)'}`);
  if (logits) {
    log(
      `logits ${logits.got.join(' ')} (${logits.preprocessing}): within ${LOGIT_TOLERANCE} of the published`,
    );
  }
}

/** Compares the first five logits with the published ones. @throws WeightsError if they differ under every preprocessing */
async function compareLogits(
  file: string,
  image: string,
  name: string | undefined,
): Promise<Readonly<Record<'got' | 'expected', readonly number[]>> & { preprocessing: string }> {
  const { resolveModelName } = await import('../weights/model-name.js');
  const { ConfigError, WeightsError } = await import('../core/errors.js');
  const { parityLogits } = await import('./parity-logits.js');
  const { parityLogits: expected, inputSizePx } = resolveModelName(name ?? basename(file));
  if (!expected) throw new ConfigError(`verify: expected a classifier for --image, got an encoder`);
  const results = Object.entries(await parityLogits(file, image, inputSizePx)).map(
    ([preprocessing, logits]) => ({ preprocessing, got: [...logits.slice(0, expected.length)] }),
  );
  const match = results.find(({ got }) =>
    expected.every((value, i) => Math.abs(value - got[i]) <= LOGIT_TOLERANCE),
  );
  if (match) return { ...match, expected };
  const found = results.map(({ preprocessing, got }) => `${got.join(' ')} (${preprocessing})`);
  throw WeightsError.in(file, `expected logits ${expected.join(' ')}, got ${found.join('; ')}`);
}
