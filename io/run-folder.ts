import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DataError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import * as t from '../core/schema.js';
import { problemOf } from './checked-json.js';
import { tryJson } from './files/json.js';
import { readTextSync, reasonOf } from './files/read.js';

/** Name of the file with the records of a run, one JSON document per line. */
export const METRICS = 'metrics.jsonl';

/** A line of {@link METRICS} as reports read it. */
export type MetricsRecord =
  | {
      readonly kind: 'train';
      readonly step: number;
      readonly epoch: number;
      readonly lr: number;
      readonly losses: Readonly<Record<string, number>>;
      readonly gradientNorm?: number;
      readonly imagesPerSecond: number;
      readonly dataWait: number;
      readonly rssBytes: number;
    }
  | {
      readonly kind: 'eval';
      readonly step: number;
      readonly epoch: number;
      readonly which: 'weights' | 'ema';
      readonly metrics: Readonly<Record<string, number>>;
    };

const Numbers = t.dictionary<number>({ type: ['number', 'null'] });
const Rate = t.optional({ type: ['number', 'null'] } as t.Schema<number>);

/** Old versions wrote NaN as null. */
const RecordSchema: t.Schema<MetricsRecord> = t.withUnknownFields({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [
    t.record({
      kind: t.literal('train'),
      step: t.whole(0, Number.MAX_SAFE_INTEGER),
      epoch: t.number(),
      lr: Rate,
      losses: Numbers,
      gradientNorm: Rate,
      imagesPerSecond: Rate,
      dataWait: Rate,
      rssBytes: Rate,
    }),
    t.record({
      kind: t.literal('eval'),
      step: t.whole(0, Number.MAX_SAFE_INTEGER),
      epoch: t.number(),
      metrics: Numbers,
      which: t.optional(t.oneOf('weights', 'ema')),
    }),
  ],
} as t.Schema<MetricsRecord>);

/** A kill leaves at most one line that is no JSON for each time the run was resumed. */
const MAX_DAMAGED = 10_000;
/** Largest number of names of losses and scores, each of which has a curve. */
const MAX_NAMES = 1000;
/** Records of a long run; V8 has no longer texts. */
const MAX_METRICS_BYTES = 2 ** 29 - 2 ** 16;

/**
 * Path of a file of a run folder, which may be one of others: nothing outside of it is read, also not by links.
 *
 * @throws DataError if it leads out of the folder
 */
export function runFile(folder: string, name: string): string {
  const file = join(folder, name);
  const real = [folder, file].map((path) =>
    existsSync(path) ? realpathSync(path) : resolve(path),
  );
  const inside = relative(existsSync(file) ? real[0] : resolve(folder), real[1]);
  if (inside !== '' && !isAbsolute(inside) && inside.split(sep)[0] !== '..') return file;
  throw DataError.in(
    folder,
    `expected files inside of the run folder, got ${printable(name)}, which leads out of it`,
  );
}

/**
 * Reads the records of a run in order. Lines truncated by a crash are skipped; if a run was killed and resumed, later
 * records of a step replace earlier ones.
 *
 * @throws DataError for lines that are JSON but no records
 */
export function readMetrics(folder: string): readonly MetricsRecord[] {
  const file = runFile(folder, METRICS);
  if (!existsSync(file)) return [];
  const records: MetricsRecord[] = [];
  const names = new Set<string>();
  let numDamaged = 0;
  for (const [i, line] of linesOf(textOf(file))) {
    const record = parseRecord(file, line, i);
    if (record === undefined) {
      if (++numDamaged > MAX_DAMAGED)
        throw DataError.in(
          file,
          `expected the records of a run, got more than ${MAX_DAMAGED} lines that are no JSON`,
        );
      continue;
    }
    for (const name of Object.keys(record.kind === 'eval' ? record.metrics : record.losses))
      names.add(name);
    if (names.size > MAX_NAMES)
      throw DataError.in(
        file,
        `expected at most ${MAX_NAMES} names of losses and scores, got more`,
      );
    // The record of a step precedes those of its evaluations.
    const isRepeated = (old: MetricsRecord): boolean =>
      old.step > record.step ||
      (old.step === record.step && (record.kind === 'train' || whichOf(old) === whichOf(record)));
    while (records.length > 0 && isRepeated(records[records.length - 1])) records.pop();
    records.push(record);
  }
  return records;
}

/** Lines that are not empty, with their numbers from 0, one at a time: a file may have millions. */
function* linesOf(text: string): Generator<readonly [index: number, line: string]> {
  for (let at = 0, index = 0; at < text.length; index++) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    if (end > at) yield [index, text.slice(at, end)];
    at = end + 1;
  }
}

function whichOf(record: MetricsRecord): string | undefined {
  return record.kind === 'eval' ? record.which : undefined;
}

function textOf(file: string): string {
  try {
    return readTextSync(file, MAX_METRICS_BYTES);
  } catch (cause) {
    throw DataError.in(file, `expected the records of a run, got ${reasonOf(cause)}`, { cause });
  }
}

function parseRecord(file: string, line: string, index: number): MetricsRecord | undefined {
  const value = tryJson(line);
  if (value === undefined) return undefined;
  const problem = problemOf(value, RecordSchema);
  if (problem !== undefined)
    throw new DataError(`${file}:${index + 1}: expected a record of a run, got ${problem}`, {
      file,
      id: index + 1,
    });
  const known = value as MetricsRecord;
  return known.kind === 'eval'
    ? { ...known, which: known.which ?? 'weights', metrics: finite(known.metrics) }
    : { ...known, losses: finite(known.losses) };
}

const finite = (values: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));

/** Whether a path is a run folder with records. */
export const isRunFolder = (path: string): boolean => existsSync(join(path, METRICS));
