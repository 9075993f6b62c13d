import type { RunEvaluation } from './evaluation-document.js';
import { percentWithSign } from './format.js';
import type { MetricsRecord } from '../io/run-folder.js';
import type { RunResult } from './run-result.js';
import { formatNumber } from './svg-axis.js';

/** Names of the metrics that stand for a run, the first known one counts. */
const MAIN_METRICS: readonly (readonly [metric: string, name: string])[] = [
  ['bbox_AP50', 'AP50 of boxes'],
  ['mIoU', 'Mean IoU'],
  ['top1', 'Top-1 accuracy'],
  ['explained', 'Explained variance of the hidden patches'],
];

/** Whether a metric is a fraction, which reports show in percent. */
export function isFraction(metric: string): boolean {
  return /^(top\d|m?Acc|aAcc|mIoU|fwIoU|mFscore|calibrationError$|explained$|(bbox|segm)_A)/.test(
    metric,
  );
}

/** Number of images below which a score may be luck. */
const FEW_IMAGES = 20;

/** `40 images that it has not seen`, or `40 images of its training` if none are held out; few ones get an `only`. */
export function seenScope(count: number, isHeldOut: boolean): string {
  const images = `${count < FEW_IMAGES ? 'only ' : ''}${count === 1 ? '1 image' : `${count} images`}`;
  return isHeldOut ? `${images} that it has not seen` : `${images} of its training`;
}

/** Verdict on a score: what was reached, where it falls short, and what to do next, as one sentence. */
export function scoreVerdict({
  score,
  scope,
  loss,
  advice,
}: {
  /** `AP50 of boxes 62.1 %` */
  readonly score: string;
  readonly scope: string;
  /** `most is lost to …` */
  readonly loss: string;
  readonly advice: string;
}): string {
  return `${score} on ${scope}; ${loss}: ${advice}`;
}

/**
 * Verdict on a run: that of its evaluation or else the last scores, and how the run ended unless it was finished.
 *
 * @param planned number of steps that the run was to have, if known
 * @returns sentences without markup
 */
export function runVerdict(
  evaluation: RunEvaluation | undefined,
  result: RunResult | undefined,
  records: readonly MetricsRecord[],
  planned?: number,
): string {
  const { step } = records[records.length - 1];
  const current = evaluation && isOutdated(evaluation, records) ? undefined : evaluation;
  const reached = current?.verdict ?? lastScore(current, records);
  return [result?.overfit ?? '', reached, ending(result, step, planned)]
    .filter((sentence) => sentence !== '')
    .map((sentence) => `${capitalized(sentence)}.`)
    .join(' ');
}

/** Whether a run went on after its evaluation for the report, and was not evaluated so again. */
export function isOutdated(
  { atStep = Infinity }: Pick<RunEvaluation, 'atStep'>,
  records: readonly MetricsRecord[],
): boolean {
  return records[records.length - 1].step > atStep;
}

function lastScore(
  evaluation: RunEvaluation | undefined,
  records: readonly MetricsRecord[],
): string {
  const last = records.findLast((record) => record.kind === 'eval');
  const metrics = evaluation?.metrics ?? last?.metrics ?? {};
  const main = MAIN_METRICS.find(([metric]) => Number.isFinite(metrics[metric]));
  const where = evaluation ? `on ${evaluation.scope}` : `at step ${last?.step ?? 0}`;
  if (main) return `${main[1]} ${percentWithSign(metrics[main[0]])} ${where}`;
  const losses = records.flatMap((record) =>
    record.kind === 'train' && Number.isFinite(record.losses['loss'])
      ? [record.losses['loss']]
      : [],
  );
  if (losses.length === 0) return '';
  const [first, final] = [losses[0], losses[losses.length - 1]].map((loss) =>
    formatNumber(Number(loss.toPrecision(3))),
  );
  const course = losses.length === 1 ? final : `from ${first} to ${final}`;
  return `training loss ${course}${last ? '' : '; not evaluated yet'}`;
}

function ending(result: RunResult | undefined, step: number, planned: number | undefined): string {
  const at = result?.step ?? step;
  const reached = planned !== undefined && planned > at ? `${at} of ${planned}` : String(at);
  if (result === undefined) return `not finished: the last record is of step ${reached}`;
  if (result.ended === 'finished') return '';
  if (result.ended === 'interrupted')
    return `interrupted at step ${reached}: train with --resume to go on`;
  if (result.ended === 'stopped by --steps')
    return `stopped at step ${reached}, as --steps asked: train with --resume to go on`;
  return result.ended;
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
