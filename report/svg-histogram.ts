import type { LogHistogram } from '../core/histogram.js';
import { escapeHtml } from './page/html.js';
import { formatNumber, roundedAxis } from './svg-axis.js';

/** A histogram of one or several sets. */
export interface HistogramChart {
  readonly title: string;
  readonly xLabel: string;
  /** Histograms with the same bins. Heights are percentages of all values of a series. */
  readonly series: readonly { readonly name: string; readonly histogram: LogHistogram }[];
  /** Values that are marked by a line. */
  readonly marks?: readonly { readonly value: number; readonly text: string }[];
}

const [WIDTH, HEIGHT] = [480, 300];
const PLOT = { left: 46, top: 66, right: 16, bottom: 44 };
const FONT_PX = 12;

/** Draws a histogram as one SVG element for a page, whose style sheet has the colors `fill-1`, …. */
export function histogramSvg({ title, xLabel, series, marks = [] }: HistogramChart): string {
  const [width, height] = [WIDTH - PLOT.left - PLOT.right, HEIGHT - PLOT.top - PLOT.bottom];
  const { edges } = series[0].histogram;
  const numBins = edges.length - 1;
  const percents = series.map(({ histogram }) => percentsOf(histogram));
  const y = roundedAxis({ min: 0, max: Math.max(1, ...percents.flat()), count: 4 });
  const xOf = (value: number): number =>
    PLOT.left + (width * Math.log(value / edges[0])) / Math.log(edges[numBins] / edges[0]);
  const yOf = (percent: number): number => PLOT.top + height * (1 - y.position(percent));
  const barWidth = width / numBins / series.length;
  const bars = percents.flatMap((values, s) =>
    values.map((percent, bin) => {
      const x = PLOT.left + (width * bin) / numBins + s * barWidth;
      const range = `${formatNumber(edges[bin])} to ${formatNumber(edges[bin + 1])}`;
      const text = `${series[s].name}: ${series[s].histogram.counts[bin]} from ${range}`;
      const top = yOf(percent);
      return percent === 0
        ? ''
        : `<rect class="fill-${s + 1}" x="${px(x)}" y="${px(top)}" width="${px(Math.max(0.5, barWidth - 0.5))}" height="${px(PLOT.top + height - top)}"><title>${escapeHtml(text)}</title></rect>`;
    }),
  );
  const bottom = PLOT.top + height;
  const grid = y.ticks.map(
    ({ value, text }) =>
      `<path d="M${PLOT.left} ${px(yOf(value))}h${width}" stroke="currentColor" stroke-opacity="0.15"/>` +
      `<text x="${PLOT.left - 6}" y="${px(yOf(value) + 4)}" text-anchor="end">${text}</text>`,
  );
  const ticks = edges
    .filter((edge) => Number.isInteger(Math.log2(edge)))
    .map(
      (edge) =>
        `<text x="${px(xOf(edge))}" y="${bottom + 16}" text-anchor="middle">${formatNumber(edge)}</text>`,
    );
  const lines = marks
    .filter(({ value }) => value >= edges[0] && value <= edges[numBins])
    .map(
      ({ value, text }) =>
        `<path d="M${px(xOf(value))} ${PLOT.top}V${bottom}" stroke="currentColor" stroke-dasharray="3 3" stroke-opacity="0.6"/>` +
        `<text x="${px(xOf(value))}" y="${PLOT.top - 4}" text-anchor="middle" fill-opacity="0.7" font-size="10">${escapeHtml(text)}</text>`,
    );
  const label = escapeHtml(title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="${label}"`,
    ` viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`,
    ` font-family="system-ui, sans-serif" font-size="${FONT_PX}" fill="currentColor">`,
    `<text x="12" y="20" font-size="14" font-weight="600">${label}</text>`,
    ...legend(series),
    `<text x="12" y="${PLOT.top - 10}" fill-opacity="0.7">%</text>`,
    ...grid,
    ...bars,
    ...lines,
    ...ticks,
    `<text x="${PLOT.left + width / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill-opacity="0.7">${escapeHtml(xLabel)}</text>`,
    '</svg>',
  ].join('');
}

/** Percentages of all values, those beyond the edges included. */
function percentsOf({ counts, below, above }: LogHistogram): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, below + above);
  return counts.map((count) => (total > 0 ? (100 * count) / total : 0));
}

function legend(series: HistogramChart['series']): readonly string[] {
  let x = 12;
  return series.map(({ name, histogram: { counts, below, above } }, s) => {
    const total = counts.reduce((sum, count) => sum + count, below + above);
    const beyond = below + above > 0 ? `, ${below + above} beyond` : '';
    const text = `${name} (${total}${beyond})`;
    const at = x;
    x += 28 + 0.58 * FONT_PX * text.length;
    return `<rect class="fill-${s + 1}" x="${px(at)}" y="30" width="10" height="10"/><text x="${px(at + 14)}" y="39">${escapeHtml(text)}</text>`;
  });
}

const px = (value: number): string => String(Math.round(10 * value) / 10);
