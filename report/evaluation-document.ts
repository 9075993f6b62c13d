import { DataError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import { runFile } from '../io/run-folder.js';

/** Name of the file in a run folder with the report of the last evaluation. */
export const EVALUATION = 'evaluation.json';

const CELL: t.Schema<string | number | null> = { type: ['string', 'number', 'null'] };
/** Not every number is finite, and those that are not are null in JSON. */
const NUMBER: t.Schema<number> = { type: ['number', 'null'] };

/** A table of a report; numbers are right-aligned, null is an empty cell. */
export type ReportTable = t.Infer<typeof Table>;
const Table = t.record({
  title: t.STRING,
  note: t.optional(t.STRING),
  columns: t.listOf(t.STRING),
  rows: t.listOf(t.listOf(CELL)),
});

/** Horizontal bars. */
export type ReportBars = t.Infer<typeof Bars>;
const Bars = t.record({
  title: t.STRING,
  /** Value of a bar of full length; default: the largest value. */
  full: t.optional(t.number({ above: 0 })),
  note: t.optional(t.STRING),
  bars: t.listOf(t.record({ name: t.STRING, value: t.number(), text: t.STRING })),
});

/** A line chart with a note. */
export type ReportChart = t.Infer<typeof Chart>;
const Chart = t.record({
  title: t.STRING,
  note: t.optional(t.STRING),
  xLabel: t.STRING,
  yLabel: t.STRING,
  series: t.listOf(t.record({ name: t.STRING, points: t.listOf(t.list(NUMBER, 2)) })),
  yScale: t.optional(t.oneOf('linear', 'log')),
  xRange: t.optional(t.list(t.number(), 2)),
  yRange: t.optional(t.list(t.number(), 2)),
});

/** A confusion matrix. */
export type ReportConfusion = t.Infer<typeof Confusion>;
const Confusion = t.record({
  title: t.STRING,
  note: t.optional(t.STRING),
  rowTitle: t.STRING,
  columnTitle: t.STRING,
  rows: t.listOf(t.STRING),
  columns: t.listOf(t.STRING),
  /** `[rows][columns]`. */
  counts: t.listOf(t.listOf(t.number({ from: 0 }))),
});

/** A row of pictures. */
export const ReportPictures = t.record({
  title: t.STRING,
  note: t.optional(t.STRING),
  /** `small` for single images, `wide` for panels side by side. */
  size: t.oneOf('small', 'wide'),
  /** JPEG or PNG files, relative to the run folder. */
  items: t.listOf(t.record({ file: t.STRING, caption: t.STRING })),
});
export type ReportPictures = t.Infer<typeof ReportPictures>;

/** Evaluation report of a trained model on held-out data, for all tasks. Fields of later versions are accepted. */
export type RunEvaluation = t.Infer<typeof Evaluation>;
const Evaluation = t.withUnknownFields(
  t.record({
    step: t.whole(0),
    /** Number of steps of the run when its weights were evaluated; absent in those of older versions. */
    atStep: t.optional(t.whole(0)),
    which: t.oneOf('weights', 'ema'),
    /** Description of the data: `200 of 5000 validation images`. */
    scope: t.STRING,
    /** One sentence: what was reached, and what to do next; absent in those of older versions. */
    verdict: t.optional(t.STRING),
    metrics: t.dictionary(NUMBER),
    tables: t.listOf(Table),
    charts: t.listOf(Chart),
    bars: t.listOf(Bars),
    confusion: t.listOf(Confusion),
    pictures: t.listOf(ReportPictures),
    /** Notes on the data, not on the model. */
    data: t.listOf<ReportBars | ReportTable>({
      if: { required: ['bars'] },
      then: Bars,
      else: Table,
    }),
  }),
);

/**
 * Reads the evaluation report of a run folder, or returns undefined if there is none. @throws DataError if the file is
 * damaged
 */
export function readEvaluation(folder: string): RunEvaluation | undefined {
  const file = runFile(folder, EVALUATION);
  const evaluation = readCheckedJson(file, Evaluation, 'the report of an evaluation');
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
