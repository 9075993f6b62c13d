import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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

/**
 * Reads the records of a run in order. Lines truncated by a crash are skipped; if a run was killed and resumed, later
 * records of a step replace earlier ones.
 */
export function readMetrics(folder: string): readonly MetricsRecord[] {
  const file = join(folder, METRICS);
  if (!existsSync(file)) return [];
  const records: MetricsRecord[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const record = parseRecord(line);
    if (record === undefined) continue;
    // The record of a step precedes those of its evaluations.
    const isRepeated = (old: MetricsRecord): boolean =>
      old.step > record.step ||
      (old.step === record.step && (record.kind === 'train' || whichOf(old) === whichOf(record)));
    while (records.length > 0 && isRepeated(records[records.length - 1])) records.pop();
    records.push(record);
  }
  return records;
}

function whichOf(record: MetricsRecord): string | undefined {
  return record.kind === 'eval' ? record.which : undefined;
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line) as MetricsRecord;
    return typeof record.step === 'number' ? record : undefined;
  } catch {
    return undefined;
  }
}
