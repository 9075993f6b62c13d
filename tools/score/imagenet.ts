import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { OptionError, ResultsError, quote } from '../../core/errors.js';
import {
  ClassificationEvaluator,
  type ClassificationResult,
} from '../../evaluation/classification/evaluator.js';
import { decodePartialResult, encodePartialResult } from '../../evaluation/partial-result.js';
import { readBytes } from '../../io/files/read.js';
import { finiteOrNull } from '../../report/format.js';

/** Options of scoring classification results. */
export interface ImagenetScoreOptions {
  /**
   * JSON lines `{file, label?, logits}` or `{file, label?, top}` with `top` a list of classes by descending probability,
   * numbers or `{classIndex}`; or the `predictions.json` of `convnextv2 predict`.
   */
  readonly dt: readonly string[];
  readonly parts: readonly string[];
  /** Labels by file name: a JSON list of `{file, label | index}`, a JSON object, or lines `file label`. */
  readonly gt?: string | undefined;
  /** Required if there are no logits. */
  readonly numClasses?: number | undefined;
}

interface ImagenetScore {
  readonly result: ClassificationResult;
  readonly numClasses: number;
  readonly warnings: readonly string[];
  readonly part: () => Uint8Array;
}

interface ResultRecord {
  readonly file: string;
  readonly label?: number | undefined;
  readonly logits?: readonly number[];
  readonly top?: readonly number[];
}

/** Scores classification results. @throws DataError or ConfigError for invalid input */
export async function scoreImagenet(options: ImagenetScoreOptions): Promise<ImagenetScore> {
  const labels = options.gt === undefined ? undefined : await readLabels(options.gt);
  let evaluator: ClassificationEvaluator | undefined;
  let numClasses = options.numClasses;
  const seen = new Set<string>();
  for (const file of options.dt) {
    for (const { record, where } of parseResults(await readText(file), file)) {
      const name = basename(record.file);
      if (seen.has(name))
        throw new ResultsError(`${where}: expected each image once, got ${name} again`, { file });
      seen.add(name);
      const label = labels ? labels.get(name) : record.label;
      if (label === undefined)
        throw new ResultsError(
          `${where}: expected a label ${labels ? `of ${name} in ${options.gt}` : 'or --gt'}, got none`,
          { file, id: name },
        );
      numClasses ??= record.logits?.length;
      if (numClasses === undefined)
        throw new OptionError(
          '--num-classes: expected the number of classes where there are no logits, got none',
        );
      evaluator ??= new ClassificationEvaluator(numClasses);
      if (record.logits) evaluator.update(Float64Array.from(record.logits), [label], where);
      else evaluator.updateRanked(record.top ?? [], label, where);
    }
  }
  for (const file of options.parts) {
    const part = decodePartialResult(await readBytes(file), file);
    numClasses ??= (part.settings as { numClasses?: number } | null)?.numClasses ?? 1;
    evaluator ??= new ClassificationEvaluator(numClasses);
    evaluator.addPartialResult(part);
  }
  const done = evaluator ?? new ClassificationEvaluator(numClasses ?? 1);
  const result = done.finish();
  const warnings = result.numSamples === 0 ? ['the results are empty'] : [];
  const numMissing = labels ? [...labels.keys()].filter((name) => !seen.has(name)).length : 0;
  if (numMissing > 0) warnings.push(`${numMissing} labeled images have no result and are left out`);
  return {
    result,
    numClasses: numClasses ?? 1,
    warnings,
    part: () => encodePartialResult(done.toPartialResult()),
  };
}

/** Creates the JSON document of a score; undefined values are null. */
export function imagenetDocument(score: ImagenetScore, options: ImagenetScoreOptions): object {
  const { result, numClasses, warnings } = score;
  const { calibration } = result;
  return {
    task: 'classification',
    files: { gt: options.gt ?? null, dt: options.dt, parts: options.parts },
    counts: { samples: result.numSamples, classes: numClasses },
    metrics: {
      top1: finiteOrNull(result.top1),
      top5: finiteOrNull(result.top5),
      meanPerClassTop1: finiteOrNull(result.meanPerClassTop1),
      ece: calibration && finiteOrNull(calibration.ece),
      mce: calibration && finiteOrNull(calibration.mce),
      meanNLL: calibration && finiteOrNull(calibration.meanNLL),
      brier: calibration && finiteOrNull(calibration.brier),
    },
    bins: calibration?.bins.map(({ count, confidence, accuracy }) => [
      count,
      finiteOrNull(confidence),
      finiteOrNull(accuracy),
    ]),
    perClassTop1: Object.fromEntries(result.perClassTop1),
    warnings,
  };
}

const readText = async (file: string): Promise<string> =>
  new TextDecoder().decode(await readBytes(file));

function* parseResults(
  text: string,
  file: string,
): Generator<{ record: ResultRecord; where: string }> {
  const whole = tryParse(text);
  if (isObject(whole) && Array.isArray(whole['predictions'])) {
    for (const [i, value] of (whole['predictions'] as unknown[]).entries()) {
      const where = `${file}: prediction ${i}`;
      yield { record: toRecord(value, where), where };
    }
    return;
  }
  let line = 0;
  for (const part of text.split('\n')) {
    line++;
    if (part.trim() === '') continue;
    const where = `${file}:${line}`;
    const value = tryParse(part);
    if (value === undefined)
      throw new ResultsError(
        `${where}: expected a JSON object a line, got ${quote(part.slice(0, 40))}`,
        { file },
      );
    yield { record: toRecord(value, where), where };
  }
}

function toRecord(value: unknown, where: string): ResultRecord {
  if (!isObject(value)) throw new ResultsError(`${where}: expected an object, got ${quote(value)}`);
  const { file, image, label, logits, top, topk } = value;
  const name = file ?? image;
  if (typeof name !== 'string')
    throw new ResultsError(`${where}: expected "file" as text, got ${quote(name)}`);
  if (label !== undefined && typeof label !== 'number')
    throw new ResultsError(`${where}: expected "label" as a class index, got ${quote(label)}`);
  const common = { file: name, label };
  if (logits !== undefined) return { ...common, logits: numbers(logits, where, 'logits') };
  const list = top ?? topk;
  if (!Array.isArray(list))
    throw new ResultsError(
      `${where}: expected "logits" or "top", got ${Object.keys(value).join(', ')}`,
    );
  const classes = list.map((item: unknown) =>
    isObject(item) ? (item['classIndex'] ?? item['class']) : item,
  );
  return { ...common, top: numbers(classes, where, 'top') };
}

/** Numbers; JSON has no infinity, so a logit may also be the string "-Infinity". */
function numbers(value: unknown, where: string, what: string): readonly number[] {
  if (!Array.isArray(value))
    throw new ResultsError(`${where}: expected "${what}" as a list, got ${typeof value}`);
  return value.map((item: unknown, i) => {
    const number = item === '-Infinity' ? -Infinity : item;
    if (typeof number !== 'number')
      throw new ResultsError(`${where}: expected numbers in "${what}", got ${quote(item)} at ${i}`);
    return number;
  });
}

async function readLabels(file: string): Promise<ReadonlyMap<string, number>> {
  if (!existsSync(file)) throw ResultsError.in(file, 'expected labels, got no such file');
  const text = await readText(file);
  const json = tryParse(text);
  const entries: [unknown, unknown, string][] = Array.isArray(json)
    ? json.map((item: unknown, i) => {
        const record = isObject(item) ? item : {};
        return [
          record['file'] ?? record['image'],
          record['label'] ?? record['index'],
          `${file}: entry ${i}`,
        ];
      })
    : isObject(json)
      ? Object.entries(json).map(([name, label]) => [name, label, `${file}: ${name}`])
      : text.split('\n').flatMap((line, i): [unknown, unknown, string][] => {
          const match = /^(.*\S)\s+(\d+)\s*$/.exec(line);
          if (line.trim() === '') return [];
          return [[match?.[1], match ? Number(match[2]) : undefined, `${file}:${i + 1}`]];
        });
  const labels = new Map<string, number>();
  for (const [name, label, where] of entries) {
    if (typeof name !== 'string' || typeof label !== 'number')
      throw new ResultsError(
        `${where}: expected a file name and a class index, got ${quote([name, label])}`,
        { file },
      );
    if (labels.has(basename(name)))
      throw new ResultsError(`${where}: expected each image once, got ${basename(name)} again`, {
        file,
      });
    labels.set(basename(name), label);
  }
  return labels;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
