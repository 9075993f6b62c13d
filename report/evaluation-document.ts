import { DataError } from '../core/errors.js';
import {
  STRING,
  dictionary,
  list,
  listOf,
  number,
  oneOf,
  optional,
  record,
  whole,
  withUnknownFields,
  type Infer,
  type Schema,
} from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import { runFile } from './run-folder.js';

/** Name of the file in a run folder with the report of the last evaluation. */
export const EVALUATION = 'evaluation.json';

const CELL: Schema<string | number | null> = { type: ['string', 'number', 'null'] };
/** Not every number is finite, and those that are not are null in JSON. */
const NUMBER: Schema<number> = { type: ['number', 'null'] };

/** A table of a report; numbers are right-aligned, null is an empty cell. */
export type ReportTable = Infer<typeof Table>;
const Table = record({
  title: STRING,
  note: optional(STRING),
  columns: listOf(STRING),
  rows: listOf(listOf(CELL)),
});

/** Horizontal bars. */
export type ReportBars = Infer<typeof Bars>;
const Bars = record({
  title: STRING,
  /** Value of a bar of full length; default: the largest value. */
  full: optional(number({ above: 0 })),
  note: optional(STRING),
  bars: listOf(record({ name: STRING, value: number(), text: STRING })),
});

/** A line chart with a note. */
export type ReportChart = Infer<typeof Chart>;
const Chart = record({
  title: STRING,
  note: optional(STRING),
  xLabel: STRING,
  yLabel: STRING,
  series: listOf(record({ name: STRING, points: listOf(list(NUMBER, 2)) })),
  yScale: optional(oneOf('linear', 'log')),
  xRange: optional(list(number(), 2)),
  yRange: optional(list(number(), 2)),
});

/** A confusion matrix. */
export type ReportConfusion = Infer<typeof Confusion>;
const Confusion = record({
  title: STRING,
  note: optional(STRING),
  rowTitle: STRING,
  columnTitle: STRING,
  rows: listOf(STRING),
  columns: listOf(STRING),
  /** `[rows][columns]`. */
  counts: listOf(listOf(number({ from: 0 }))),
});

/** A row of pictures. */
export const ReportPictures = record({
  title: STRING,
  note: optional(STRING),
  /** `small` for single images, `wide` for panels side by side. */
  size: oneOf('small', 'wide'),
  /** JPEG or PNG files, relative to the run folder. */
  items: listOf(record({ file: STRING, caption: STRING })),
});
export type ReportPictures = Infer<typeof ReportPictures>;

/** Evaluation report of a trained model on held-out data, for all tasks. Fields of later versions are accepted. */
export type RunEvaluation = Infer<typeof Evaluation>;
const Evaluation = withUnknownFields(
  record({
    step: whole(0),
    which: oneOf('weights', 'ema'),
    /** Description of the data: `200 of 5000 validation images`. */
    scope: STRING,
    /** One sentence: what was reached, and what to do next; absent in those of older versions. */
    verdict: optional(STRING),
    metrics: dictionary(NUMBER),
    tables: listOf(Table),
    charts: listOf(Chart),
    bars: listOf(Bars),
    confusion: listOf(Confusion),
    pictures: listOf(ReportPictures),
    /** Notes on the data, not on the model. */
    data: listOf<ReportBars | ReportTable>({ if: { required: ['bars'] }, then: Bars, else: Table }),
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
