import type { LineChart } from './svg-chart.js';

/** Name of the file in a run folder with the report of the last evaluation. */
export const EVALUATION = 'evaluation.json';

/** A table of a report; numbers are right-aligned, null is an empty cell. */
export interface ReportTable {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** Horizontal bars. */
export interface ReportBars {
  readonly title: string;
  /** Value of a bar of full length; default: the largest value. */
  readonly full?: number;
  readonly note?: string;
  readonly bars: readonly {
    readonly name: string;
    readonly value: number;
    readonly text: string;
  }[];
}

/** A confusion matrix. */
export interface ReportConfusion {
  readonly title: string;
  readonly note?: string;
  readonly rowTitle: string;
  readonly columnTitle: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `[rows][columns]`. */
  readonly counts: readonly (readonly number[])[];
}

/** A row of pictures. */
export interface ReportPictures {
  readonly title: string;
  readonly note?: string;
  /** `small` for single images, `wide` for panels side by side. */
  readonly size: 'small' | 'wide';
  readonly items: readonly {
    /** JPEG or PNG file, relative to the run folder. */
    readonly file: string;
    readonly caption: string;
  }[];
}

/** A line chart with a note. */
export type ReportChart = LineChart & { readonly note?: string };

/** Evaluation report of a trained model on held-out data, for all tasks. */
export interface RunEvaluation {
  readonly step: number;
  readonly which: 'weights' | 'ema';
  /** Description of the data: `200 of 5000 validation images`. */
  readonly scope: string;
  /** One sentence: what was reached, and what to do next; absent in those of older versions. */
  readonly verdict?: string | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly tables: readonly ReportTable[];
  readonly charts: readonly ReportChart[];
  readonly bars: readonly ReportBars[];
  readonly confusion: readonly ReportConfusion[];
  readonly pictures: readonly ReportPictures[];
  /** Notes on the data, not on the model. */
  readonly data: readonly (ReportBars | ReportTable)[];
}
