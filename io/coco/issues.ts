import { DataError } from '../../core/errors.js';

/** One thing that is odd about a file, most often about a record of it. */
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
  /** The row of the annotation in the columns. */
  readonly row?: number | undefined;
}

/** Takes what is odd about a file. */
export type Report = (issue: CocoIssue) => void;

const LOSSES: ReadonlySet<CocoIssue['code']> = new Set(['json', 'array', 'schema', 'rleRuns']);

/** A report that accepts what is odd. @throws DataError for what would leave a record or its mask out */
export function refuseLoss({ code, file, message, id }: CocoIssue): void {
  if (LOSSES.has(code)) throw new DataError(`${file}: ${message}`, { file, id });
}

/** `annotations[12] (id 34)`. */
export function placeOf(array: string, position: number, id?: number | string): string {
  return id === undefined ? `${array}[${position}]` : `${array}[${position}] (id ${id})`;
}
