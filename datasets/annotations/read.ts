import { DataError } from '../../core/errors.js';
import { readAnnotations, type CocoTables } from '../../io/coco/annotations.js';
import type { Report } from '../../io/coco/issues.js';
import { readCvatTables } from './cvat.js';
import type { AnnotationSource, ReadTablesOptions } from './source.js';
import { readVoc } from './voc.js';
import { readYolo } from './yolo.js';

/**
 * Reads annotations of any format into typed arrays. Invalid records and files are reported and left out.
 *
 * @param report called with the issues of individual records
 * @throws DataError if the annotations cannot be read at all
 */
export async function readTables(
  source: AnnotationSource,
  report: Report,
  options: ReadTablesOptions = {},
): Promise<CocoTables> {
  const { format = 'coco', annotations } = source;
  switch (format) {
    case 'coco':
      return readAnnotations(annotations, report, options);
    case 'voc':
      return readVoc(source, report, options);
    case 'yolo':
      return readYolo(source, report, options);
    case 'cvat':
      return readCvatTables(source, report, options);
    case 'labelme':
    case 'via':
    case 'masks':
    case 'csv':
      throw DataError.in(annotations, `expected a known format, got ${format}`);
    default:
      return format satisfies never;
  }
}
