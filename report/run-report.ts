import { basename, join, resolve } from 'node:path';
import { DataError } from '../core/errors.js';
import { writeAtomicallySync } from '../io/files/atomic.js';
import { metricName } from './compared-scores.js';
import { runCharts } from './curves.js';
import { readEvaluation, type ReportPictures, type RunEvaluation } from './evaluation-document.js';
import { barsCard, chartGrid, confusionCard, pictureRow, tableCard, tiles } from './page/blocks.js';
import { escapeHtml, renderPage, type Section } from './page/html.js';
import {
  configTable,
  factsTable,
  plannedSteps,
  readStoredConfig,
  type StoredConfig,
} from './run-facts.js';
import { percentWithSign } from './format.js';
import { METRICS, readMetrics, type MetricsRecord } from '../io/run-folder.js';
import { readSamples } from './samples.js';
import { readResult, type RunResult } from './run-result.js';
import { formatNumber } from './svg-axis.js';
import { isFraction, isOutdated, runVerdict } from './verdict.js';

/** Name of the report in a run folder. */
const REPORT = 'report.html';

/**
 * Writes `report.html` of a run: one self-contained file without scripts or network access. Sections without records (an
 * evaluation, the end) are left out.
 *
 * @returns path of the report
 * @throws DataError if the folder has no records of a run, or damaged ones
 */
export function writeReport(folder: string): string {
  const records = readMetrics(folder);
  if (records.length === 0)
    throw DataError.in(folder, `expected a run folder with ${METRICS}, got none with records`);
  const html = fittingReport(folder, records);
  const file = join(folder, REPORT);
  writeAtomicallySync(file, html);
  return file;
}

/** The report, unless files of others made it larger than a text can be. */
function fittingReport(folder: string, records: readonly MetricsRecord[]): string {
  try {
    return runReport(folder, records);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw DataError.in(folder, 'expected a run whose report fits into a page, got a larger one', {
      cause,
    });
  }
}

function runReport(folder: string, records: readonly MetricsRecord[]): string {
  const config = readStoredConfig(folder);
  const evaluation = readEvaluation(folder);
  const result = readResult(folder);
  const sections: readonly Section[] = [
    { id: 'scores', title: 'Scores', body: evaluation ? scores(evaluation) : '' },
    {
      id: 'pictures',
      title: 'Pictures',
      body: [...(evaluation?.pictures ?? []), ...samples(folder, records)]
        .map((row) => pictureRow(row, folder))
        .join(''),
    },
    { id: 'mistakes', title: 'Mistakes', body: evaluation ? mistakes(evaluation) : '' },
    { id: 'data', title: 'Data', body: evaluation ? dataCards(evaluation) : '' },
    { id: 'curves', title: 'Curves', body: curves(evaluation, records) },
    { id: 'configuration', title: 'Configuration', body: config ? configTable(config) : '' },
    {
      id: 'environment',
      title: 'Environment and timings',
      body: factsTable(config, result, records),
    },
  ];
  return renderPage({
    title: `Run ${basename(resolve(folder))}`,
    lead: lead(config, evaluation, result, records),
    sections,
  });
}

/** Creates the section with the pictures of the last evaluation. */
function samples(folder: string, records: readonly MetricsRecord[]): readonly ReportPictures[] {
  const drawn = readSamples(folder);
  const last = records.findLast(({ kind }) => kind === 'eval');
  return drawn && last ? [{ ...drawn, title: `${drawn.title} of step ${last.step}` }] : [];
}

function lead(
  config: StoredConfig | undefined,
  evaluation: RunEvaluation | undefined,
  result: RunResult | undefined,
  records: readonly MetricsRecord[],
): string {
  const { step, epoch } = records[records.length - 1];
  const recipe = config ? `Recipe <b>${escapeHtml(config.recipe)}</b>; ` : '';
  const ended = result ? ` (${escapeHtml(result.ended)})` : '';
  const isOld = evaluation !== undefined && isOutdated(evaluation, records);
  const last = records.findLast((record) => record.kind === 'eval');
  const metrics = (isOld ? undefined : evaluation?.metrics) ?? last?.metrics;
  const where = evaluation
    ? whereOf(evaluation, isOld ? last?.step : undefined)
    : 'Scores are those of the last evaluation.';
  return (
    `<p class="verdict">${escapeHtml(runVerdict(evaluation, result, records, config && plannedSteps(config, records)))}</p>` +
    `<p class="soft">${recipe}${step} steps, ${formatNumber(epoch)} epochs${ended}. ${metrics ? where : ''}</p>` +
    tiles(metrics ? headline(metrics) : [])
  );
}

/** @param lastStep step of an evaluation after the run went on, whose scores are shown instead */
function whereOf({ scope, which, step, atStep }: RunEvaluation, lastStep?: number): string {
  const weights = which === 'ema' ? 'moving average of the weights' : 'weights';
  const of = `on ${escapeHtml(scope)}, with the ${weights} of step ${step}`;
  if (lastStep === undefined) return `Scores ${of}.`;
  return `Scores are those of the evaluation at step ${lastStep}. Tables and pictures are older, of ${atStep} steps: ${of}.`;
}

/** At most eight scores; the components of an AP are in the tables. */
function headline(
  metrics: Readonly<Record<string, number>>,
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(metrics)
    .filter(([name]) => name !== 'count' && !/_(AP75|AP[sml]|AR\d*[sml]?)$/.test(name))
    .slice(0, 8)
    .map(([name, value]) => [
      metricName(name).replace('_', ' '),
      isFraction(name) ? percentWithSign(value) : formatNumber(Number(value.toPrecision(3))),
    ]);
}

function scores({ tables }: RunEvaluation): string {
  return tables.map(tableCard).join('');
}

function mistakes({ bars, confusion }: RunEvaluation): string {
  return bars.map(barsCard).join('') + confusion.map(confusionCard).join('');
}

function curves(evaluation: RunEvaluation | undefined, records: readonly MetricsRecord[]): string {
  return chartGrid([...(evaluation?.charts ?? []), ...runCharts(records)]);
}

function dataCards({ data }: RunEvaluation): string {
  return data.map((card) => ('bars' in card ? barsCard(card) : tableCard(card))).join('');
}
