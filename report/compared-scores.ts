import type { ComparedMetrics, Difference, Estimate } from '../evaluation/bootstrap.js';
import type { ReportTable } from './evaluation-document.js';
import { escapeHtml } from './page/html.js';

/** Scores of runs on the same images. */
export interface RunScores {
  readonly numImages: number;
  /** Metric of the verdict. */
  readonly main: string;
  /** Number of draws of the bootstrap, and their seed. */
  readonly samples: number;
  readonly seed: number;
  readonly models: readonly ComparedMetrics[];
}

/** Names of metrics for people; those of boxes and masks say which. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['top1', 'top-1 accuracy'],
  ['top5', 'top-5 accuracy'],
  ['mIoU', 'mean IoU'],
  ['mAcc', 'mean accuracy of classes'],
  ['aAcc', 'accuracy of pixels'],
]);

/** Name of a metric for people: `AP50 of boxes` for `bbox_AP50`; unknown ones stay as they are. */
export function metricName(metric: string): string {
  const [, kind, score] = /^(bbox|segm)_(.+)$/.exec(metric) ?? [];
  if (score !== undefined) return `${score} of ${kind === 'bbox' ? 'boxes' : 'masks'}`;
  return NAMES.get(metric) ?? metric;
}

/**
 * Verdict on a comparison as one sentence: the best model, the distance to the first one (or of the first to the next one), and
 * whether it may be chance.
 *
 * @param names of the runs
 */
export function comparedVerdict(
  { numImages, main, models }: RunScores,
  names: readonly string[],
): string {
  const values = models.map(({ metrics }) => metrics[main].value);
  const order = values
    .map((_, i) => i)
    .filter((i) => Number.isFinite(values[i]))
    .sort((a, b) => values[b] - values[a]);
  const name = metricName(main);
  if (order.length < 2) return `No ${name} could be computed for two runs on ${numImages} images.`;
  const [best, second] = order;
  const other = best === 0 ? second : 0;
  const difference = models[best === 0 ? second : best].differences?.[main];
  const scores = `${percentOf(values[best])} against ${percentOf(values[other])} on ${numImages} ${numImages === 1 ? 'image' : 'images'}`;
  if (!difference || difference.value === 0)
    return `${names[best]} and ${names[other]} have the same ${name}: ${scores}.`;
  const sign = best === 0 ? -1 : 1;
  const ends = [sign * difference.low, sign * difference.high].sort((a, b) => a - b).map(pointsOf);
  const distance = `${pointsOf(Math.abs(difference.value)).replace('+', '')} points`;
  const interval = `95 % interval ${ends.join(' to ')}`;
  return difference.isSure
    ? `${names[best]} has a higher ${name} than ${names[other]}: ${scores}; the ${distance} are more than chance (${interval}).`
    : `${names[best]} has a higher ${name} than ${names[other]}: ${scores}; the ${distance} may be chance (${interval}): score more images before choosing.`;
}

/** Creates a table for each metric: values and differences to the first run, with intervals. */
export function comparedTables(
  { models }: RunScores,
  names: readonly string[],
): readonly ReportTable[] {
  return Object.keys(models[0].metrics).map((metric) => ({
    title: metricName(metric),
    columns: [
      ...['run', '%', '95 % interval', 'to the first, points', '95 % interval of that'],
      ...['higher in % of draws', 'sure'],
    ],
    rows: models.map(({ metrics, differences }, m) => {
      const own = metrics[metric];
      return [
        names[m],
        numberOf(own.value),
        rangeOf(own),
        ...differenceCells(differences?.[metric]),
      ];
    }),
  }));
}

function differenceCells(difference: Difference | undefined): readonly (string | number | null)[] {
  if (!difference) return [null, null, null, null];
  const { value, low, high, higher, isSure } = difference;
  if (!Number.isFinite(value)) return [null, null, null, null];
  return [
    pointsOf(value),
    `${pointsOf(low)} … ${pointsOf(high)}`,
    Number((100 * higher).toFixed(1)),
    isSure ? 'yes' : 'no',
  ];
}

/** Creates the section of the scores: tables, and how the intervals were made. */
export function comparedNote({ numImages, samples, seed }: RunScores): string {
  const text = `All runs were scored on the same ${numImages} images. Intervals are those of ${samples} draws of as many images with replacement, the same for all runs (seed ${seed}). They say how much depends on the images of the set; another seed of the training may change a score as much again.`;
  return `<p class="note">${escapeHtml(text)}</p>`;
}

/** Size of the drawing in pixels, readable on a phone. */
const PLOT = { width: 360, row: 34, left: 16, right: 16, top: 22, bottom: 26 };

/** Draws the differences of the main metric to the first run with their intervals around 0; empty without any. */
export function differencePlot({ main, models }: RunScores, names: readonly string[]): string {
  const rows = models.flatMap(({ differences }, m) => {
    const own = differences?.[main];
    return own && Number.isFinite(own.low) ? [{ name: names[m], ...own }] : [];
  });
  if (rows.length === 0) return '';
  const most = Math.max(0.001, ...rows.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  const { width, row, left, right, top, bottom } = PLOT;
  const height = top + row * rows.length + bottom;
  const x = (value: number): string =>
    (left + ((width - left - right) * (value + 1.1 * most)) / (2.2 * most)).toFixed(1);
  const end = top + row * rows.length;
  const marks = rows.map(({ name, value, low, high }, i) => {
    const y = top + row * i + 22;
    const label = `${escapeHtml(name)}: ${pointsOf(value)}`;
    return (
      `<text x="${left}" y="${y - 9}" font-size="12" fill="currentColor">${label}</text>` +
      `<line class="chart-1" stroke-width="2" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/>` +
      [low, high]
        .map(
          (at) =>
            `<line class="chart-1" stroke-width="2" x1="${x(at)}" x2="${x(at)}" y1="${y - 5}" y2="${y + 5}"/>`,
        )
        .join('') +
      `<circle class="fill-1" cx="${x(value)}" cy="${y}" r="4.5"/>`
    );
  });
  const ticks = [-most, 0, most].map(
    (at) =>
      `<text x="${x(at)}" y="${end + 18}" font-size="12" text-anchor="middle" fill="currentColor">${pointsOf(at)}</text>`,
  );
  const title = `${metricName(main)}: difference to ${names[0]} in points, with 95 % intervals`;
  return (
    `<div class="grid"><div class="card"><h3>${escapeHtml(title)}</h3>` +
    `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">` +
    `<line x1="${x(0)}" x2="${x(0)}" y1="${top - 14}" y2="${end}" stroke="currentColor" stroke-opacity="0.4" stroke-dasharray="4 3"/>` +
    `${marks.join('')}${ticks.join('')}</svg></div></div>`
  );
}

const percentOf = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const numberOf = (fraction: number): number | null =>
  Number.isFinite(fraction) ? Number((100 * fraction).toFixed(1)) : null;
const rangeOf = ({ low, high }: Estimate): string =>
  Number.isFinite(low) ? `${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)}` : '';

/** Formats a difference of fractions as points with a sign. */
function pointsOf(difference: number): string {
  const text = (100 * difference).toFixed(1);
  return difference > 0 && Number(text) !== 0 ? `+${text}` : Number(text) === 0 ? '0.0' : text;
}
