import { assertObject } from '../../core/arguments.js';
import { AnnotationsError } from '../../core/errors.js';

/** One issue of a file, usually of one record. */
export interface CocoIssue {
  readonly code:
    | 'json'
    | 'array'
    | 'schema'
    | 'rleRuns'
    | 'polygon'
    | 'polygonShort'
    | 'segmentationBox'
    | 'crowdPolygons'
    | 'maskEmpty'
    | 'maskBinary'
    | 'keypoints'
    | 'areaMissing'
    // Of formats other than COCO.
    | 'imageMissing'
    | 'imageUnreadable'
    | 'imageSize'
    | 'unknownCategory'
    | 'boxOrder'
    | 'boxRotated'
    | 'valueOutside'
    | 'sizeListed'
    | 'nameListed'
    | 'imageRenamed'
    | 'shapeIgnored'
    | 'fileOther'
    | 'labelMissing'
    | 'imageUnlabeled'
    | 'labelAlone';
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
export function refuseLoss(issue: CocoIssue): void {
  assertObject('refuseLoss', 'an issue', issue, 'code');
  const { code, file, message, id } = issue;
  if (LOSSES.has(code)) throw AnnotationsError.in(file, message, { id });
}

/** `annotations[12] (id 34)`. */
export function placeOf(array: string, position: number, id?: number | string): string {
  return id === undefined ? `${array}[${position}]` : `${array}[${position}] (id ${id})`;
}

/** Place of a record: its file, and where in it. */
export interface Place {
  readonly file: string;
  /** `annotations[12] (id 34)`, `object[3]`, `line 4`. */
  readonly where: string;
}

/** Places of records that are not in one file with ids, e.g. where every image has a file of its own. */
export interface RecordPlaces {
  /** @param id of an image */
  readonly image: (id: number) => Place;
  /** @param row of `annotations` */
  readonly annotation: (row: number) => Place;
}
