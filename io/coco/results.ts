import { assertObject, assertText } from '../../core/arguments.js';
import type { ReadResult } from '../../core/coco.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../schema.js';
import type { CocoIssue } from './issues.js';
import { NOT_TAKEN } from './json-bytes.js';
import { NUMBER_FIELDS, RecordScan } from './record-scan.js';
import { resultScanFields } from './scan-fields.js';
import { scanCocoFile, type ByteRange } from './scan-file.js';
import type { DirectReader, ScanHandler } from './scanner.js';
import { resultSchema, type ResultField } from './schemas.js';

/** Handler of the detections of a result file. */
interface ResultHandler {
  /** Returns the fields to check in all records, given the parsed first one; other fields may have any value. */
  fields(first: unknown): readonly ResultField[];
  /** Called with a valid record, of which nothing may be kept: it is overwritten by the next one. */
  record(record: ReadResult, index: number): void;
  /** Called with an issue of the file or a record: `[12]: expected X, got Y`. */
  report(issue: CocoIssue): void;
}

/**
 * Reads a COCO result file, a list of `{image_id, category_id, score, bbox | segmentation | keypoints}`, of any size.
 * Invalid records are reported and skipped.
 *
 * @param range one of the ranges of `cutList`; default: the whole file. Records are counted from its start
 * @returns the number of records, valid or not
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function readResults(
  file: string,
  handler: ResultHandler,
  range?: ByteRange,
): Promise<number> {
  assertText('readResults', 'the path of a file', file);
  assertObject('readResults', 'a handler of records', handler, 'report');
  let isArray = false;
  let numRecords = 0;
  let check: SchemaCheck | undefined;
  let read: DirectReader | undefined; // once the first record says which fields are looked at
  const direct: DirectReader = (bytes, at, length, index) =>
    read ? read(bytes, at, length, index) : NOT_TAKEN;
  const issue = (code: CocoIssue['code'], index: number, message: string): void =>
    handler.report({ code, file, message: `[${index}]: ${message}`, id: index });
  const scan: ScanHandler = {
    array: (name) => (isArray ||= name === ''),
    element: (_, index, record) => {
      numRecords++;
      if (!check) {
        const fields = handler.fields(record);
        check = compileSchema(resultSchema(fields));
        read = directReader(fields, (result, position) => {
          numRecords++;
          handler.record(result, position);
        });
      }
      const wrong = check(record);
      if (wrong.length === 0) handler.record(record as ReadResult, index);
      else issue('schema', index, formatProblems(wrong));
    },
    direct: () => direct,
    invalid: (_, index, message) => {
      numRecords++;
      issue('json', index, message);
    },
    value: () => undefined,
  };
  await scanCocoFile(file, scan, { range });
  if (!isArray)
    handler.report({
      code: 'array',
      file,
      message:
        'expected a list of detections, got an object; predict writes the list as results.json, and in a document it is "annotations"',
    });
  return numRecords;
}

/**
 * First record of a result file, undefined if there is none.
 *
 * @throws DataError if the file cannot be read or the JSON read so far is broken
 */
export async function firstResult(file: string): Promise<unknown> {
  let first: unknown;
  let isDone = false;
  await scanCocoFile(
    file,
    {
      array: (name) => name === '',
      element: (_, index, record) => {
        if (index === 0) first = record;
        isDone = true;
      },
      invalid: () => (isDone = true), // reported by the reader of the first range
      value: () => undefined,
    },
    { stop: () => isDone, chunkBytes: 1 << 14 },
  );
  return first;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Creates a reader of detections of the usual form: one box, one mask of compressed runs, or both. */
function directReader(
  fields: readonly ResultField[],
  add: (record: ReadResult, index: number) => void,
): DirectReader {
  const scan = new RecordScan(resultScanFields(fields));
  const result: Mutable<ReadResult> = { image_id: 0, category_id: 0, score: 0 };
  return (bytes, at, length, index) => {
    const end = scan.scan(bytes, at, length);
    const { numbers, segmentation } = scan;
    if (end === NOT_TAKEN || segmentation === 'polygons') return NOT_TAKEN;
    result.image_id = numbers[NUMBER_FIELDS.image_id];
    result.category_id = numbers[NUMBER_FIELDS.category_id];
    result.score = numbers[NUMBER_FIELDS.score];
    result.bbox = scan.hasBox ? scan.box : undefined;
    result.segmentation =
      segmentation === 'runs' ? scan.runs : segmentation === 'null' ? null : undefined;
    add(result, index);
    return end;
  };
}
