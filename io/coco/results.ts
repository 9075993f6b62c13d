import type { ResultRecord } from '../../core/coco.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../schema.js';
import type { CocoIssue } from './issues.js';
import { scanCocoFile } from './scan-file.js';
import { resultSchema, type ResultField } from './schemas.js';

/** Handler of the detections of a result file. */
interface ResultHandler {
  /** Returns the fields to check in all records, given the parsed first one; other fields may have any value. */
  fields(first: unknown): readonly ResultField[];
  /** Called with a valid record. */
  record(record: ResultRecord, index: number): void;
  /** Called with an issue of the file or a record: `[12]: expected X, got Y`. */
  report(issue: CocoIssue): void;
}

/**
 * Reads a COCO result file, a list of `{image_id, category_id, score, bbox | segmentation | keypoints}`, of any size.
 * Invalid records are reported and skipped.
 *
 * @returns the number of records, valid or not
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function readResults(file: string, handler: ResultHandler): Promise<number> {
  let isArray = false;
  let numRecords = 0;
  let check: SchemaCheck | undefined;
  const issue = (code: CocoIssue['code'], index: number, message: string): void =>
    handler.report({ code, file, message: `[${index}]: ${message}`, id: index });
  await scanCocoFile(file, {
    array: (name) => (isArray ||= name === ''),
    element: (_, index, record) => {
      numRecords++;
      check ??= compileSchema(resultSchema(handler.fields(record)));
      const wrong = check(record);
      if (wrong.length === 0) handler.record(record as ResultRecord, index);
      else issue('schema', index, formatProblems(wrong));
    },
    invalid: (_, index, message) => {
      numRecords++;
      issue('json', index, message);
    },
    value: () => undefined,
  });
  if (!isArray)
    handler.report({
      code: 'array',
      file,
      message: 'expected a list of detections, got an object',
    });
  return numRecords;
}
