import { DataError } from '../core/errors.js';
import { median } from '../core/statistics.js';
import { writeAtomicallySync } from '../io/files/atomic.js';
import {
  comparedNote,
  comparedTables,
  comparedVerdict,
  differencePlot,
  metricName,
  type RunScores,
} from './compared-scores.js';
import { seriesOf } from './curves.js';
import type { ReportChart, ReportTable } from './evaluation-document.js';
import { chartGrid, tableCard } from './page/blocks.js';
import { escapeHtml, renderPage } from './page/html.js';
import { flattenConfig, readStoredConfig } from './run-facts.js';
import { METRICS, readMetrics, type MetricsRecord } from '../io/run-folder.js';
import { isFraction } from './verdict.js';

/** One run of a comparison. */
interface ComparedRun {
  /** Folder as given by the user. */
  readonly name: string;
  readonly records: readonly MetricsRecord[];
  readonly step: number;
  readonly epoch: number;
  /** Training loss of the last record. */
  readonly loss: number | undefined;
  /** Median over the records. */
  readonly imagesPerSecond: number | undefined;
  /** Best value of each score (lowest for losses and errors) and its step. */
  readonly best: Readonly<Record<string, { readonly value: number; readonly step: number }>>;
  /** Values of the configuration by path; empty if none is stored. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Comparison of runs. */
interface RunComparison {
  readonly runs: readonly ComparedRun[];
  /** Names of all scores of any run. */
  readonly metrics: readonly string[];
  /** Settings that differ between the runs, with one value per run. */
  readonly differences: readonly { readonly path: string; readonly values: readonly string[] }[];
}

/** Reads runs to compare. @throws DataError for a folder without records */
export function compareRuns(folders: readonly string[]): RunComparison {
  const runs = folders.map(readRun);
  const metrics = [...new Set(runs.flatMap(({ best }) => Object.keys(best)))];
  const paths = new Set(runs.flatMap(({ settings }) => [...settings.keys()]));
  const differences = [...paths]
    .map((path) => ({ path, values: runs.map(({ settings }) => settings.get(path) ?? '–') }))
    .filter(({ values }) => new Set(values).size > 1);
  return { runs, metrics, differences };
}

function readRun(name: string): ComparedRun {
  const records = readMetrics(name);
  const last = records.at(-1);
  if (last === undefined)
    throw DataError.in(name, `expected a run folder with ${METRICS}, got none with records`);
  const training = records.filter((record) => record.kind === 'train');
  const speeds = training.map(({ imagesPerSecond }) => imagesPerSecond);
  // Without a prototype: metrics of a foreign run may have names such as `constructor`.
  const best = Object.create(null) as Record<string, { value: number; step: number }>;
  for (const record of records) {
    if (record.kind !== 'eval') continue;
    for (const [metric, value] of Object.entries(record.metrics)) {
      if (metric === 'count') continue;
      const sign = /loss|error/i.test(metric) ? -1 : 1;
      const old = best[metric] as { value: number } | undefined;
      if (old === undefined || sign * value > sign * old.value)
        best[metric] = { value, step: record.step };
    }
  }
  return {
    name,
    records,
    step: last.step,
    epoch: last.epoch,
    loss: training.at(-1)?.losses['loss'],
    imagesPerSecond: speeds.length > 0 ? median(speeds) : undefined,
    best,
    settings: settingsOf(name),
  };
}

function settingsOf(folder: string): ReadonlyMap<string, string> {
  const stored = readStoredConfig(folder);
  if (stored === undefined) return new Map();
  const { recipe, data, seed, weights, config } = stored;
  const head = Object.entries({ recipe, data, seed, weights });
  return new Map(
    [...head, ...flattenConfig(config)].map(([path, value]) => [path, JSON.stringify(value)]),
  );
}

/**
 * Creates the table of runs: steps, speed, last loss, best scores.
 *
 * @param nameOf name of a metric; default: as in the records
 */
export function comparisonTable(
  { runs, metrics }: RunComparison,
  nameOf: (metric: string) => string = (metric) => metric,
): ReportTable {
  return {
    title: 'Runs',
    columns: [
      'run',
      'steps',
      'epochs',
      'images/s',
      'last loss',
      ...metrics.map((metric) => `best ${nameOf(metric)}${isFraction(metric) ? ', %' : ''}`),
    ],
    rows: runs.map(({ name, step, epoch, imagesPerSecond, loss, best }) => [
      name,
      step,
      rounded(epoch),
      rounded(imagesPerSecond),
      rounded(loss),
      ...metrics.map((metric) => rounded(inPercent(metric, best[metric]?.value))),
    ]),
  };
}

/** Scores that are fractions in percent, as on the pages of runs; other values as they are. */
function inPercent(metric: string, value: number | undefined): number | undefined {
  return value !== undefined && isFraction(metric) ? 100 * value : value;
}

function rounded(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

/** Creates the table of {@link comparisonTable} for people: a column for each run, because their scores are many. */
export function comparisonForPeople(comparison: RunComparison): ReportTable {
  const { columns: all, rows, ...table } = comparisonTable(comparison, metricName);
  const columns = all.slice(1);
  return {
    ...table,
    columns: ['', ...rows.map(([name]) => String(name))],
    rows: columns
      .map((name, c) => [name, ...rows.map((row) => row[c + 1])])
      .filter(([, ...values]) => values.some((value) => value !== null)),
  };
}

/** Creates charts of the loss and of every score, with one curve per run. */
function comparisonCharts({ runs, metrics }: RunComparison): readonly ReportChart[] {
  const chart = (
    labels: Pick<ReportChart, 'title' | 'yLabel'>,
    value: (record: MetricsRecord) => number | undefined,
  ): ReportChart => ({
    ...labels,
    xLabel: 'step',
    series: runs.map(({ name, records }) => seriesOf(name, records, value)),
  });
  return [
    chart({ title: 'Training loss', yLabel: '' }, (record) =>
      record.kind === 'train' ? record.losses['loss'] : undefined,
    ),
    ...metrics.map((metric) =>
      chart({ title: metricName(metric), yLabel: isFraction(metric) ? '%' : '' }, (record) =>
        record.kind === 'eval' && record.which === 'weights'
          ? inPercent(metric, record.metrics[metric])
          : undefined,
      ),
    ),
  ];
}

/** Scores of models on the same images, with their names. */
interface NamedScores extends RunScores {
  readonly names: readonly string[];
}

/**
 * Writes the comparison as one self-contained page.
 *
 * @param scores of the runs, and maybe of models without a run, on the same images
 */
export function writeComparison(
  file: string,
  comparison: RunComparison,
  scores?: NamedScores,
): void {
  const { runs, differences } = comparison;
  const settings: ReportTable = {
    title: 'Settings that differ',
    columns: ['setting', ...runs.map(({ name }) => name)],
    rows: differences.map(({ path, values }) => [path, ...values]),
  };
  const html = renderPage({
    title: scores ? `Comparison of ${scores.names.length} models` : `${runs.length} runs`,
    lead: scores
      ? `<p class="verdict">${escapeHtml(comparedVerdict(scores, scores.names))}</p>`
      : '',
    sections: [
      { id: 'scores', title: 'Scores', body: scores ? scoresBody(scores) : '' },
      {
        id: 'runs',
        title: 'Runs',
        body: runs.length > 0 ? tableCard(comparisonForPeople(comparison)) : '',
      },
      { id: 'curves', title: 'Curves', body: chartGrid(comparisonCharts(comparison)) },
      {
        id: 'settings',
        title: 'Settings',
        body: settingsBody(runs.length, settings),
      },
    ],
  });
  writeAtomicallySync(file, html);
}

function scoresBody(scores: NamedScores): string {
  const tables = comparedTables(scores, scores.names).map(tableCard);
  return `${comparedNote(scores)}${differencePlot(scores, scores.names)}${tables.join('')}`;
}

function settingsBody(numRuns: number, settings: ReportTable): string {
  if (numRuns === 0) return '';
  return settings.rows.length > 0 ? tableCard(settings) : '<p>No setting differs.</p>';
}
