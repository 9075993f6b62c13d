import { DataError } from '../core/errors.js';
import {
  dictionary,
  list,
  listOf,
  number,
  oneOf,
  optional,
  record,
  whole,
  withUnknownFields,
  type Schema,
} from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import {
  EVALUATION,
  type ReportBars,
  type ReportChart,
  type ReportConfusion,
  type ReportPictures,
  type ReportTable,
  type RunEvaluation,
} from './evaluation-document.js';
import { runFile } from './run-folder.js';

const LINE: Schema<string> = { type: 'string' };
const CELL: Schema<string | number | null> = { type: ['string', 'number', 'null'] };

const Table: Schema<ReportTable> = record({
  title: LINE,
  note: optional(LINE),
  columns: listOf(LINE),
  rows: listOf(listOf(CELL)),
}) as Schema<ReportTable>;

const Bars: Schema<ReportBars> = record({
  title: LINE,
  full: optional(number({ above: 0 })),
  note: optional(LINE),
  bars: listOf(record({ name: LINE, value: number(), text: LINE })),
}) as Schema<ReportBars>;

const Chart: Schema<ReportChart> = record({
  title: LINE,
  note: optional(LINE),
  xLabel: LINE,
  yLabel: LINE,
  // Not every number is finite, and those that are not are null in JSON.
  series: listOf(
    record({ name: LINE, points: listOf(list({ type: ['number', 'null'] } as Schema<number>, 2)) }),
  ),
  yScale: optional(oneOf('linear', 'log')),
  xRange: optional(list(number(), 2)),
  yRange: optional(list(number(), 2)),
}) as Schema<ReportChart>;

const Confusion: Schema<ReportConfusion> = record({
  title: LINE,
  note: optional(LINE),
  rowTitle: LINE,
  columnTitle: LINE,
  rows: listOf(LINE),
  columns: listOf(LINE),
  counts: listOf(listOf(number({ from: 0 }))),
}) as Schema<ReportConfusion>;

/** Schema of a row of pictures. */
export const PicturesSchema: Schema<ReportPictures> = record({
  title: LINE,
  note: optional(LINE),
  size: oneOf('small', 'wide'),
  items: listOf(record({ file: LINE, caption: LINE })),
}) as Schema<ReportPictures>;

/** Fields of later versions are accepted. */
const EvaluationSchema: Schema<RunEvaluation> = withUnknownFields(
  record({
    step: whole(0),
    which: oneOf('weights', 'ema'),
    scope: LINE,
    verdict: optional(LINE),
    metrics: dictionary({ type: ['number', 'null'] }),
    tables: listOf(Table),
    charts: listOf(Chart),
    bars: listOf(Bars),
    confusion: listOf(Confusion),
    pictures: listOf(PicturesSchema),
    data: listOf({ if: { required: ['bars'] }, then: Bars, else: Table } as Schema),
  }),
) as Schema<RunEvaluation>;

/**
 * Reads the evaluation report of a run folder, or returns undefined if there is none. @throws DataError if the file is
 * damaged
 */
export function readEvaluation(folder: string): RunEvaluation | undefined {
  const file = runFile(folder, EVALUATION);
  const evaluation = readCheckedJson(file, EvaluationSchema, 'the report of an evaluation');
  if (evaluation === undefined) return undefined;
  assertRectangular(file, evaluation);
  const metrics = Object.entries(evaluation.metrics).filter(([, value]) => Number.isFinite(value));
  return { ...evaluation, metrics: Object.fromEntries(metrics) };
}

/** Checks that the rows of tables and matrices are as long as their heads. */
function assertRectangular(file: string, { tables, data, confusion }: RunEvaluation): void {
  const all = [...tables, ...data.flatMap((card) => ('columns' in card ? [card] : []))];
  const isUneven =
    all.some(({ columns, rows }) => rows.some(({ length }) => length !== columns.length)) ||
    confusion.some(
      ({ rows, columns, counts }) =>
        counts.length !== rows.length || counts.some(({ length }) => length !== columns.length),
    );
  if (isUneven)
    throw DataError.in(file, 'expected rows as long as the heads of their tables, got others');
}
