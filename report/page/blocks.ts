import { existsSync } from 'node:fs';
import { DataError } from '../../core/errors.js';
import { readWhole, reasonOf } from '../../io/files/read.js';
import { readImageHeader } from '../../io/image-header/read.js';
import type {
  ReportBars,
  ReportChart,
  ReportConfusion,
  ReportPictures,
  ReportTable,
} from '../evaluation-document.js';
import { runFile } from '../../io/run-folder.js';
import { formatNumber } from '../svg-axis.js';
import { lineChart } from '../svg-chart.js';
import { escapeHtml } from './html.js';

/** Building blocks of reports as HTML. */

const note = (text: string | undefined): string =>
  text === undefined ? '' : `<p class="note">${escapeHtml(text)}</p>`;

/** Width in pixels, readable on a phone. */
const CHART = { width: 480, height: 300, isStyledByPage: true };

/** Creates a chart in a frame. */
function chartCard({ note: remark, ...chart }: ReportChart): string {
  return `<div class="card">${lineChart(chart, CHART)}${note(remark)}</div>`;
}

/** Places charts side by side if they fit; those that show no course are left out. */
export function chartGrid(charts: readonly ReportChart[]): string {
  const drawn = charts.filter(showsCourse);
  return drawn.length === 0 ? '' : `<div class="grid">${drawn.map(chartCard).join('')}</div>`;
}

/** Whether a chart has a line of at least two points, and a value that is not 0. */
function showsCourse({ series }: ReportChart): boolean {
  const lines = series.map(({ points }) => points.filter((point) => point.every(Number.isFinite)));
  return (
    lines.some((points) => points.some(([x]) => x !== points[0][0])) &&
    lines.some((points) => points.some(([, y]) => y !== 0))
  );
}

/** Number of rows that a table shows; the others are collapsed. */
const MOST_ROWS = 40;

/** Creates a table in a frame. */
export function tableCard(table: ReportTable): string {
  const { title, note: remark, columns, rows } = withoutEmptyColumns(table);
  const isNumber = columns.map((_, c) => rows.some((row) => typeof row[c] === 'number'));
  const head = columns.map(
    (name, c) => `<th${isNumber[c] ? ' class="n"' : ''}>${escapeHtml(name)}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, c) => {
      const text = cell === null ? '' : typeof cell === 'number' ? cellText(cell) : cell;
      return `<td${isNumber[c] ? ' class="n"' : ''}>${escapeHtml(text)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  const tableOf = (lines: readonly string[]): string =>
    `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
  return `<div class="card"><h3>${escapeHtml(title)}</h3>${note(remark)}${folded(body, tableOf)}</div>`;
}

/** Draws the first rows, and the others collapsed. */
function folded<Row>(rows: readonly Row[], draw: (rows: readonly Row[]) => string): string {
  const [first, more] = [rows.slice(0, MOST_ROWS), rows.slice(MOST_ROWS)];
  if (more.length === 0) return draw(first);
  return `${draw(first)}<details><summary>${more.length} more</summary>${draw(more)}</details>`;
}

/** Formats counts in full and other numbers in a few characters. */
function cellText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e12 ? String(value) : formatNumber(value);
}

function withoutEmptyColumns(table: ReportTable): ReportTable {
  const isUsed = table.columns.map((_, c) => table.rows.some((row) => row[c] !== null));
  return {
    ...table,
    columns: table.columns.filter((_, c) => isUsed[c]),
    rows: table.rows.map((row) => row.filter((_, c) => isUsed[c])),
  };
}

/** Creates bars in a frame, with lengths relative to `full` or to the longest. */
export function barsCard({ title, note: remark, bars, full }: ReportBars): string {
  if (bars.length === 0)
    return `<div class="card"><h3>${escapeHtml(title)}</h3>${note(remark ?? 'none')}</div>`;
  const longest = full ?? bars.reduce((most, { value }) => Math.max(most, value), 1e-300);
  const draw = (shown: ReportBars['bars']): string =>
    `<div class="bars">${shown
      .map(({ name, value, text }) => {
        const percent = Math.max(0, (100 * value) / longest).toFixed(1);
        // A width of SVG, because the page allows no style attributes.
        const bar = `<svg class="bar"><rect width="${percent}%" height="12" rx="2"/></svg>`;
        return `<span class="b">${escapeHtml(name)}</span>${bar}<span class="t">${escapeHtml(text)}</span>`;
      })
      .join('')}</div>`;
  return `<div class="card"><h3>${escapeHtml(title)}</h3>${note(remark)}${folded(bars, draw)}</div>`;
}

/** Largest number of classes shown as a matrix; for more, the most frequent confusions are listed. */
const MOST_CLASSES = 24;

/** Creates a confusion matrix: the darker a cell, the larger its fraction of the row. */
export function confusionCard(confusion: ReportConfusion): string {
  const { title, rows, columns, counts, rowTitle, columnTitle } = confusion;
  if (rows.length > MOST_CLASSES) return mistakesCard(confusion);
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map((name, r) => {
    const total = counts[r].reduce((sum, count) => sum + count, 0);
    const cells = columns.map((column, c) => {
      const fraction = total > 0 ? counts[r][c] / total : 0;
      const shade = fraction > 0 ? [`v${Math.max(1, Math.round(100 * fraction))}`] : [];
      const classes = [...shade, ...(c === r ? ['d'] : [])];
      const attribute = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
      const text = counts[r][c] === 0 ? '' : shortCount(counts[r][c]);
      const hint = `${name} as ${column}: ${counts[r][c]} (${(100 * fraction).toFixed(1)} %)`;
      return `<td${attribute} title="${escapeHtml(hint)}">${text}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.join('')}</tr>`;
  });
  return (
    `<div class="card"><h3>${escapeHtml(title)}</h3>${note(confusion.note)}` +
    `<p class="note">rows: ${escapeHtml(rowTitle)}; columns: ${escapeHtml(columnTitle)}</p>` +
    `<div class="scroll"><table class="confusion"><thead><tr><th></th>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div></div>`
  );
}

function mistakesCard({
  title,
  rows,
  columns,
  counts,
  rowTitle,
  columnTitle,
}: ReportConfusion): string {
  const mistakes: (readonly [row: string, column: string, count: number])[] = [];
  let least = 0;
  for (const [r, row] of rows.entries())
    for (const [c, column] of columns.entries()) {
      const count = counts[r][c];
      if (r === c || count <= least) continue;
      // Of equal counts the first ones stay.
      const at = mistakes.findIndex((other) => other[2] < count);
      mistakes.splice(at < 0 ? mistakes.length : at, 0, [row, column, count]);
      if (mistakes.length > MOST_ROWS) mistakes.pop();
      if (mistakes.length === MOST_ROWS) least = mistakes[MOST_ROWS - 1][2];
    }
  return tableCard({
    title: `${title}: the most frequent mistakes`,
    columns: [rowTitle, columnTitle, 'count'],
    rows: mistakes,
  });
}

/** `12`, `34k`, `1.2M`. */
function shortCount(count: number): string {
  if (count < 1e4) return String(Math.round(count));
  const [unit, suffix] = count < 1e6 ? [1e3, 'k'] : count < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(count / unit).toPrecision(3).replace(/\.?0+$/, '')}${suffix}`;
}

const MAX_PICTURE_BYTES = 2 ** 25;

/**
 * Creates pictures with captions, embedded in the page.
 *
 * @param folder folder of the files
 * @throws DataError if a file is missing, no picture, or outside of the folder
 */
export function pictureRow(
  { title, note: remark, size, items }: ReportPictures,
  folder: string,
): string {
  if (items.length === 0) return '';
  const figures = items.map(({ file, caption }) => {
    const data = dataUri(runFile(folder, file));
    const text = escapeHtml(caption);
    // A box to check instead of a script, which the page's policy forbids: checked, the picture fills the window.
    const box = `<input type="checkbox" aria-label="large: ${text}">`;
    return `<figure><label class="zoom">${box}<img src="${data}" alt="${text}"></label><figcaption>${text}</figcaption></figure>`;
  });
  return `<h3>${escapeHtml(title)}</h3>${note(remark)}<div class="pictures ${size}">${figures.join('')}</div><p></p>`;
}

/** Embeds a picture; other files of the folder are not shown. */
function dataUri(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readWhole(file, MAX_PICTURE_BYTES);
  } catch (cause) {
    const reason = existsSync(file) ? reasonOf(cause) : 'no such file';
    throw DataError.in(file, `expected a picture of the report, got ${reason}`, { cause });
  }
  const format = readImageHeader(bytes, file)?.format;
  if (format !== 'jpeg' && format !== 'png')
    throw DataError.in(file, 'expected a picture of the report in JPEG or PNG, got another format');
  return `data:image/${format};base64,${Buffer.from(bytes).toString('base64')}`;
}

/** Creates large numbers with labels. */
export function tiles(items: readonly (readonly [name: string, value: string])[]): string {
  if (items.length === 0) return '';
  const tile = ([name, value]: readonly [string, string]): string =>
    `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(name)}</span></div>`;
  return `<div class="tiles">${items.map(tile).join('')}</div>`;
}
