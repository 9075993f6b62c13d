import { DataError } from '../../core/errors.js';

/** One issue of a file, usually of one record. */
export interface CocoIssue {
  readonly code:
    | 'json'
    | 'array'
    | 'schema'
    | 'rleRuns'
    | 'polygon'
    | 'polygonShort'
    | 'crowdPolygons'
    | 'maskEmpty'
    | 'keypoints'
    | 'areaMissing';
  readonly file: string;
  /** `annotations[12] (id 34): expected X, got Y`, without the file. */
  readonly message: string;
  readonly id?: number | string | undefined;
  /** Row of the annotation in the columns. */
  readonly row?: number | undefined;
}

/** Callback for issues of a file. */
export type Report = (issue: CocoIssue) => void;

const LOSSES: ReadonlySet<CocoIssue['code']> = new Set(['json', 'array', 'schema', 'rleRuns']);

/** Callback that ignores warnings. @throws DataError for issues that would drop a record or its mask */
export function refuseLoss({ code, file, message, id }: CocoIssue): void {
  if (LOSSES.has(code)) throw DataError.in(file, message, { id });
}

/** `annotations[12] (id 34)`. */
export function placeOf(array: string, position: number, id?: number | string): string {
  return id === undefined ? `${array}[${position}]` : `${array}[${position}] (id ${id})`;
}
