import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import type { CatalogEntry, PublishedTask } from '../weights/catalog.js';
import type { WeightsInspection } from '../inference/inspect.js';
import { OptionError, quote } from '../core/errors.js';
import type { Progress } from '../weights/pull/download.js';
import type { Scheme } from '../weights/schemes/names.js';
import type { Which } from '../weights/select.js';
import { cacheFolder } from '../io/files/cache-folder.js';
import { formatTable, log, print, printJson, type JsonFlag } from './output.js';

interface CacheOptions extends JsonFlag {
  readonly cache?: string | undefined;
}

interface FileOptions extends CacheOptions {
  readonly offline?: boolean | undefined;
}

interface WhichOptions extends FileOptions {
  readonly which?: Which | undefined;
}

/** Tolerance of logits compared with the published ones, which have four digits. */
const LOGIT_TOLERANCE = 1e-3;

/** `convnextv2 weights list|pull|inspect|convert|verify`. */
export function defineWeights(weights: Command): void {
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

  subcommand('list', 'the published files by task, with license, size and score')
    .addOption(
      new Option('--task <task>', 'only those of a task').choices([
        ...['classify', 'detect', 'segment', 'pretrain'],
      ]),
    )
    .action(listAction);
  subcommand('pull <name...>', 'download official files into the cache, resuming')
    .option('--mirror <url>', 'fetch from a server with the same paths instead')
    .action(pullAction);
  const ofFile = (usage: string, description: string): Command =>
    subcommand(usage, description).option(
      '--offline',
      'refuse a name that is not in the cache instead of pulling it',
    );
  ofFile('inspect <file>', 'what is in a weight file (or official name)')
    .addOption(which())
    .option('--tensors', 'list every tensor')
    .action(inspectAction);
  ofFile('convert <input> <output>', 'write safetensors under the names of another scheme')
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
  ofFile('verify <file>', 'checksum, names, shapes and finite values')
    .addOption(which())
    .option('--image <file>', 'COCO val2017 000000039769.jpg: compare the first five logits')
    .option('--as <name>', 'official name to compare with, if the file has another')
    .action(verifyAction);
}

/** Headings of the scores in the order of the columns. */
const SCORES = ['top1', 'boxAP', 'maskAP', 'mIoU', 'mIoUMultiScale'] as const;

async function listAction(
  options: CacheOptions & { readonly task?: PublishedTask },
): Promise<void> {
  const { CATALOG, WEIGHTS_LICENSE } = await import('../weights/catalog.js');
  const { isCached } = await import('../weights/pull/cache.js');
  const folder = cacheFolder(options.cache);
  const entries = CATALOG.filter(({ task }) => (options.task ?? task) === task).map((entry) => ({
    ...entry,
    cached: isCached(entry, folder),
  }));
  if (options.json) {
    const license = WEIGHTS_LICENSE;
    // `licence`: the field's former name.
    printJson({ license, licence: license, cacheFolder: folder, weights: entries });
    return;
  }
  for (const task of ['classify', 'detect', 'segment', 'pretrain'] as const) {
    const rows = entries.filter((entry) => entry.task === task);
    if (rows.length > 0) print(`${task}\n${listTable(rows)}\n`);
  }
  log(
    'sizes: four bytes a parameter, the exact ones are not published; top1, AP, mIoU: as published, measured: by timm; ' +
      'CC-BY-NC-4.0: not for commercial use; ' +
      `cache: ${folder}`,
  );
}

/** As published: with one digit, or two where there are two. */
function formatScore(value: number | undefined): string {
  if (value === undefined) return '-';
  return value.toFixed(Number(value.toFixed(1)) === value ? 1 : 2);
}

/** Table of the files of a task, with the scores that they have. */
function listTable(entries: readonly (CatalogEntry & { readonly cached: boolean })[]): string {
  const scores = SCORES.filter((key) => entries.some((entry) => entry.scores[key] !== undefined));
  const measured = entries.some(({ accuracy }) => accuracy?.measured);
  const rows = entries.map((entry) => [
    ...[entry.name, entry.inputSizePx, entry.numClasses ?? '-'],
    ...scores.map((key) => formatScore(entry.scores[key])),
    ...(measured ? [entry.accuracy?.measured?.top1.toFixed(3) ?? '-'] : []),
    `${(entry.approximateBytes / 1e6).toFixed(0)} MB`,
    ...[entry.license, entry.cached ? 'yes' : 'no', entry.url],
  ]);
  const head = ['name', 'px', 'classes', ...scores, ...(measured ? ['measured'] : [])];
  return formatTable([[...head, 'size', 'license', 'cached', 'URL'], ...rows]);
}

async function pullAction(
  names: readonly string[],
  options: CacheOptions & { readonly mirror?: string },
): Promise<void> {
  const { resolveModelName } = await import('../weights/model-name.js');
  const { pullPublished } = await import('../weights/pull/cache.js');
  const entries = names.map(resolveModelName); // all names are checked before the first download
  const { mirror } = options;
  const results = [];
  for (const entry of entries) {
    const onProgress = process.stderr.isTTY ? await terminalProgress(entry.name) : undefined;
    const pulled = await pullPublished(entry, cacheFolder(options.cache), {
      mirror,
      onNotice: log,
      onProgress,
    });
    const { name, license, licence } = entry;
    results.push({ name, license, licence, ...pulled });
  }
  if (options.json) printJson({ weights: results });
}

/** Weights that were found. */
interface Located {
  readonly file: string;
  readonly entry: CatalogEntry | undefined;
  /** As asked for; else the EMA of a checkpoint that scored better with it. */
  readonly which: Which | undefined;
}

/** Finds weights, and pulls a name that is not in the cache. */
async function locate(
  nameOrFile: string,
  { cache, offline, which }: WhichOptions,
): Promise<Located> {
  const { locateWeights } = await import('../weights/pull/cache.js');
  const { isEmaBetter } = await import('../weights/checkpoint-folder.js');
  const located = await locateWeights(nameOrFile, cacheFolder(cache), { offline, onNotice: log });
  if (which !== undefined || !(await isEmaBetter(located.file))) return { ...located, which };
  log(
    `${located.file}: its moving average (EMA) scored better and is used; --which model for the weights themselves`,
  );
  return { ...located, which: 'model_ema' };
}

/** Prints progress in one line of the terminal that is rewritten. */
async function terminalProgress(name: string): Promise<(progress: Progress) => void> {
  const { progressLine } = await import('../weights/pull/progress.js');
  const startMs = performance.now();
  let lastMs = 0;
  return (progress) => {
    const nowMs = performance.now();
    const isLast = progress.receivedBytes === progress.totalBytes;
    if (nowMs - lastMs < 200 && !isLast) return;
    lastMs = nowMs;
    const line = progressLine(name, progress, (nowMs - startMs) / 1000);
    process.stderr.write(`\r${line}\x1b[K${isLast ? '\n' : ''}`);
  };
}

async function inspectAction(
  nameOrFile: string,
  options: WhichOptions & { readonly tensors?: boolean },
): Promise<void> {
  const { inspectWeights } = await import('../inference/inspect.js');
  const { file, which } = await locate(nameOrFile, options);
  const inspection = await inspectWeights(file, which);
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
  print(lines.join('\n'));
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
    const { architecture, scheme, prefix, numLeftOut, numParameters, hasDecoder, title } = network;
    const { depths, dims } = architecture;
    const [name, ...classes] = title.split(', ');
    const layers = `depths ${depths.join('-')}, dims ${dims.join('-')}`;
    const isDense = network.kind === 'detector' || network.kind === 'segmenter';
    const bare = architecture.size ? name.replace(/\((\w+)\)$/, '$1') : name;
    const parts = isDense ? [name, ...classes, layers] : [bare, layers, ...classes];
    lines.push(
      `network: ${[...parts, `${numParameters} parameters`].join(', ')}`,
      `names: ${scheme}${prefix === '' ? '' : ` behind ${prefix}`}${hasDecoder ? ', with the decoder of a masked autoencoder' : ''}`,
    );
    if (numLeftOut > 0) lines.push(`left out: ${numLeftOut} tensors beside the network`);
  }
  for (const [key, value] of Object.entries(plain as object)) {
    lines.push(`${key}: ${quote(value, 500)}`);
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
  const { convertModel } = await import('../inference/convert.js');
  const { file, which } = await locate(input, options);
  const { names, dropped, ...written } = await convertModel(file, output, {
    scheme: options.to,
    dtype: options.dtype === 'f16' ? 'F16' : 'F32',
    which,
    timmConvMlp: options.convMlp,
  });
  if (options.json) printJson({ ...written, numTensors: names.length, dropped });
  if (dropped.length > 0) log(`${options.to} has no place for ${dropped.join(', ')}`);
  log(`${output}: ${names.length} tensors, ${written.bytes} bytes, ${options.to} names`);
}

interface VerifyOptions extends WhichOptions {
  readonly image?: string | undefined;
  readonly as?: string | undefined;
}

async function verifyAction(nameOrFile: string, options: VerifyOptions): Promise<void> {
  const { verifyModel } = await import('../inference/summary.js');
  const { file, entry, which } = await locate(nameOrFile, options);
  const verified = await verifyModel(file, { which, size: entry?.size });
  const logits =
    options.image === undefined
      ? undefined
      : await compareLogits(file, options.image, options.as ?? entry?.name);
  if (options.json) {
    printJson({ ...verified, logits });
    return;
  }
  const { title, numParameters, sha256, recorded, pieces = [] } = verified;
  log(`${file}: valid; ${title}, ${numParameters} parameters`);
  for (const piece of pieces) log(`sha256 ${piece.sha256}  ${piece.name}`);
  const all = pieces.length > 0 ? ' of this list (sha256sum PIECES | sha256sum)' : '';
  log(`sha256 ${sha256}${all}${recorded ? ', as recorded' : ' (no record to compare with)'}`);
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
  const { WeightsError } = await import('../core/errors.js');
  const { parityLogits } = await import('./parity-logits.js');
  const { parityLogits: expected, inputSizePx } = resolveModelName(name ?? basename(file));
  if (!expected) throw new OptionError(`verify: expected a classifier for --image, got an encoder`);
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
