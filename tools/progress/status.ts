import { formatDuration } from '../../core/duration.js';
import type { LogRecord } from '../../train/log-record.js';

/** Record of a step. */
export type TrainRecord = Extract<LogRecord, { readonly kind: 'train' }>;

/** Status of training for people. */
export interface Status {
  readonly record: TrainRecord;
  /** Infinite until a run for a time is laid out. */
  readonly totalSteps: number;
  readonly elapsedSeconds: number;
  /** Undefined before the second record. */
  readonly remainingSeconds: number | undefined;
}

/** Formats small and large numbers like `4.1e-4`, others with at most four digits. */
export function formatValue(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? value.toPrecision(4) : value.toExponential(2);
}

/** Formats a size: `812 MiB`, `1.4 GiB`. */
export function formatBytes(bytes: number): string {
  return bytes < 2 ** 30
    ? `${Math.round(bytes / 2 ** 20)} MiB`
    : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** Formats named numbers: `loss 0.63 top1 1`. */
export function formatTerms(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${formatValue(value)}`)
    .join('  ');
}

/** Formats the status in one line for logs and pipes. */
export function statusLine({ record, totalSteps, remainingSeconds }: Status): string {
  const { step, epoch, lr, losses, imagesPerSecond, dataWait, rssBytes } = record;
  return [
    `train  step ${step}${Number.isFinite(totalSteps) ? `/${totalSteps}` : ''}`,
    `epoch ${epoch.toFixed(2)}`,
    formatTerms(losses),
    `lr ${lr.toExponential(2)}`,
    `${imagesPerSecond.toFixed(1)} images/s`,
    `wait ${(100 * dataWait).toFixed(0)} %`,
    formatBytes(rssBytes),
    ...(remainingSeconds === undefined ? [] : [`${formatDuration(remainingSeconds)} left`]),
  ].join('  ');
}

/** Formats the status in three lines for a terminal, truncated to its width. */
export function statusBlock(
  { record, totalSteps, elapsedSeconds, remainingSeconds }: Status,
  columns: number,
): readonly string[] {
  const { step, epoch, lr, losses, imagesPerSecond, dataWait, rssBytes } = record;
  const left = remainingSeconds === undefined ? '' : ` · ${formatDuration(remainingSeconds)} left`;
  const of = Number.isFinite(totalSteps) ? ` of ${totalSteps}` : '';
  const counts = `step ${step}${of} · epoch ${epoch.toFixed(2)}${left}`;
  const width = Math.max(8, Math.min(32, columns - counts.length - 4));
  const filled = Math.round((width * step) / totalSteps);
  const lines = [
    `${'━'.repeat(filled)}${'─'.repeat(width - filled)}  ${counts}`,
    `${formatTerms(losses)}  lr ${lr.toExponential(2)}`,
    `${imagesPerSecond.toFixed(1)} images/s · waiting for data ${(100 * dataWait).toFixed(0)} % · ` +
      `memory ${formatBytes(rssBytes)} · ${formatDuration(elapsedSeconds)} so far`,
  ];
  return lines.map((line) => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`));
}
