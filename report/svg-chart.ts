import { ConfigError } from '../core/errors.js';
import { escapeHtml } from './page/html.js';
import { linearAxis, logAxis, roundedAxis, type Axis } from './svg-axis.js';

/** A line of a chart. */
export interface ChartSeries {
  readonly name: string;
  /**
   * Points in drawing order. Values that no axis can show leave a gap: those not finite or beyond ±1e100, and those ≤ 0
   * on a logarithmic axis.
   */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Content of a chart. */
export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly ChartSeries[];
  readonly yScale?: 'linear' | 'log' | undefined;
  /** Ends of an axis; default: those of the data. Lines are clipped to them. */
  readonly xRange?: readonly [min: number, max: number] | undefined;
  readonly yRange?: readonly [min: number, max: number] | undefined;
}

/** Size of a chart in CSS pixels. */
interface ChartSize {
  readonly width: number;
  readonly height: number;
  /** Colors by the classes `chart-1`, … of a page that allows no style attributes. */
  readonly isStyledByPage?: boolean | undefined;
}

/**
 * Colors of series 1, 2, …; a page may override them with `--chart-1`, …. All have a contrast of at least 3 : 1 with a
 * white and with a dark page. From the ninth series on they are reused with dashed lines.
 */
const COLORS = [
  '#3b7ddd',
  '#d9730d',
  '#1a9c6b',
  '#c2489a',
  '#8a63d2',
  '#0e96a8',
  '#a8762f',
  '#7d8590',
];

const FONT_PX = 12;
/** Generous estimate of the mean width of a sans-serif character. */
const CHAR_PX = FONT_PX * 0.58;
const LEGEND_ROW_PX = 20;
const SWATCH_PX = 16;

/**
 * Creates a line chart as one SVG element, standalone or for a page. Text and axes have the page's text color
 * (`currentColor`), so it fits light and dark pages. Long series are reduced to the minimum and maximum of each pixel
 * column.
 *
 * @throws ConfigError if a range is empty or beyond ±1e100, or starts at or below 0 on a logarithmic axis
 */
export function lineChart(
  chart: LineChart,
  { width, height, isStyledByPage = false }: ChartSize = { width: 640, height: 360 },
): string {
  assertRange('xRange', chart.xRange, -Infinity);
  assertRange('yRange', chart.yRange, chart.yScale === 'log' ? 0 : -Infinity);
  const y = yAxis(chart);
  const left = 16 + CHAR_PX * Math.max(...y.ticks.map(({ text }) => text.length));
  const right = 16;
  const legend = chart.series.length > 1 ? layOutLegend(chart.series, width - right) : [];
  const numRows = legend.length === 0 ? 0 : legend[legend.length - 1].row + 1;
  const top = 54 + numRows * LEGEND_ROW_PX;
  const plot: Frame = { left, top, width: width - left - right, height: height - top - 40 };
  const x = xAxis(chart, plot);
  const strokes = chart.series.map((_, index) => strokeOf(index, isStyledByPage));
  const lines = chart.series.map((series, index) => line(series, strokes[index], { x, y, plot }));
  const label = escapeHtml(chart.title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="${label}"`,
    ` viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif" font-size="${FONT_PX}" fill="currentColor">`,
    `<text x="12" y="20" font-size="14" font-weight="600">${label}</text>`,
    ...legend.map(({ left: at, row }, index) =>
      legendEntry(chart.series[index], strokes[index], at, row),
    ),
    `<text x="12" y="${top - 10}" fill-opacity="0.7">${escapeHtml(chart.yLabel)}</text>`,
    yTicks(y, plot),
    xTicks(x, plot, chart.xLabel, height),
    // A nested svg clips lines; a clip path would need an id that is unique in the page.
    `<svg x="${px(left)}" y="${px(top)}" width="${px(plot.width)}" height="${px(plot.height)}">`,
    ...lines,
    '</svg>',
    lines.some((drawn) => drawn.includes('<path')) ? '' : noData(plot),
    '</svg>',
  ].join('');
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function yAxis({ series, yScale = 'linear', yRange }: LineChart): Axis {
  const shown = series.flatMap(({ points }) =>
    points.map(([, y]) => y).filter((y) => isShown(y) && (yScale === 'linear' || y > 1e-100)),
  );
  const [min, max] = yRange ?? extent(shown, yScale === 'linear' ? [0, 1] : [1, 10]);
  if (yScale === 'log') return logAxis({ min, max, count: 7 });
  return yRange ? linearAxis({ min, max, count: 5 }) : roundedAxis({ min, max, count: 5 });
}

function xAxis({ series, xRange }: LineChart, plot: Frame): Axis {
  const all = series.flatMap(({ points }) => points.map(([x]) => x).filter(isShown));
  const [min, max] = xRange ?? extent(all, [0, 1]);
  return linearAxis({ min, max, count: Math.max(2, Math.floor(plot.width / 80)) });
}

function assertRange(name: string, range: LineChart['xRange'], above: number): void {
  if (range === undefined) return;
  const [min, max] = range;
  if (!(min < max && min > above && isShown(min) && isShown(max))) {
    const where = above === 0 ? ' above 0' : '';
    throw new ConfigError(
      `lineChart: ${name}: expected [min, max]${where} with min below max, got [${min}, ${max}]`,
    );
  }
}

function isShown(value: number): boolean {
  return Math.abs(value) <= 1e100;
}

function extent(
  values: readonly number[],
  empty: readonly [number, number],
): readonly [number, number] {
  if (values.length === 0) return empty;
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return [min, max];
}

function yTicks(axis: Axis, { left, top, width, height }: Frame): string {
  return axis.ticks
    .map(({ value, text }) => {
      const y = px(top + (1 - axis.position(value)) * height);
      return (
        `<path d="M${px(left)} ${y}h${px(width)}" stroke="currentColor" stroke-opacity="0.15"/>` +
        `<text x="${px(left - 8)}" y="${y}" dy="0.35em" text-anchor="end" fill-opacity="0.7">${text}</text>`
      );
    })
    .join('');
}

function xTicks(axis: Axis, plot: Frame, label: string, height: number): string {
  const bottom = px(plot.top + plot.height);
  const ticks = axis.ticks.map(({ value, text }) => {
    const x = px(plot.left + axis.position(value) * plot.width);
    return (
      `<path d="M${x} ${bottom}v4" stroke="currentColor" stroke-opacity="0.5"/>` +
      `<text x="${x}" y="${bottom}" dy="1.5em" text-anchor="middle" fill-opacity="0.7">${text}</text>`
    );
  });
  const middle = px(plot.left + plot.width / 2);
  return [
    `<path d="M${px(plot.left)} ${bottom}h${px(plot.width)}" stroke="currentColor" stroke-opacity="0.5"/>`,
    ...ticks,
    `<text x="${middle}" y="${height - 6}" text-anchor="middle" fill-opacity="0.7">${escapeHtml(label)}</text>`,
  ].join('');
}

function line(
  series: ChartSeries,
  stroke: string,
  { x, y, plot }: { readonly x: Axis; readonly y: Axis; readonly plot: Frame },
): string {
  const parts = segments(
    series.points.map(([atX, atY]) =>
      isShown(atX) && isShown(atY)
        ? [x.position(atX) * plot.width, (1 - y.position(atY)) * plot.height]
        : [NaN, NaN],
    ),
  );
  const shapes = parts.map((points) => {
    const [first, ...rest] = thin(points).map((point) => point.map(px).join(' '));
    return rest.length === 0
      ? `<path d="M${first}h0" stroke-width="6" stroke-linecap="round"/>`
      : `<path d="M${[first, ...rest].join('L')}"/>`;
  });
  return (
    `<g fill="none" ${stroke} stroke-width="2" stroke-linejoin="round">` +
    `<title>${escapeHtml(series.name)}</title>${shapes.join('')}</g>`
  );
}

/** The attribute is for viewers without CSS variables. */
function strokeOf(index: number, isStyledByPage: boolean): string {
  const slot = index % COLORS.length;
  const dash = index < COLORS.length ? '' : ' stroke-dasharray="6 4"';
  if (isStyledByPage) return `class="chart-${slot + 1}" stroke="${COLORS[slot]}"${dash}`;
  return `stroke="${COLORS[slot]}" style="stroke:var(--chart-${slot + 1},${COLORS[slot]})"${dash}`;
}

type Point = readonly [x: number, y: number];

/** Splits points into runs of finite ones. */
function segments(points: readonly Point[]): readonly (readonly Point[])[] {
  const parts: Point[][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) parts[parts.length - 1].push(point);
    else parts.push([]);
  }
  return parts.filter(({ length }) => length > 0);
}

/** Keeps only the first, lowest, highest and last point of each pixel column. */
function thin(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (let from = 0; from < points.length;) {
    let [to, low, high] = [from, from, from];
    for (; to < points.length && Math.floor(points[to][0]) === Math.floor(points[from][0]); to++) {
      if (points[to][1] < points[low][1]) low = to;
      if (points[to][1] > points[high][1]) high = to;
    }
    const columns = new Set([from, Math.min(low, high), Math.max(low, high), to - 1]);
    for (const index of columns) kept.push(points[index]);
    from = to;
  }
  return kept;
}

interface LegendPlace {
  readonly left: number;
  readonly row: number;
}

function layOutLegend(series: readonly ChartSeries[], right: number): readonly LegendPlace[] {
  let [left, row] = [12, 0];
  return series.map(({ name }) => {
    const needed = SWATCH_PX + 6 + name.length * CHAR_PX;
    if (left > 12 && left + needed > right) [left, row] = [12, row + 1];
    const place = { left, row };
    left += needed + 16;
    return place;
  });
}

function legendEntry({ name }: ChartSeries, stroke: string, left: number, row: number): string {
  const y = 40 + row * LEGEND_ROW_PX;
  return (
    `<path d="M${px(left)} ${y}h${SWATCH_PX}" ${stroke} stroke-width="3"/>` +
    `<text x="${px(left + SWATCH_PX + 6)}" y="${y}" dy="0.35em">${escapeHtml(name)}</text>`
  );
}

function noData({ left, top, width, height }: Frame): string {
  const [x, y] = [px(left + width / 2), px(top + height / 2)];
  return `<text x="${x}" y="${y}" text-anchor="middle" fill-opacity="0.7">no data</text>`;
}

/** Formats a coordinate with one decimal. */
function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
