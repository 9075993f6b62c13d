import { readAnnotations, type CocoTables } from '../../io/coco/annotations.js';
import type { Report } from '../../io/coco/issues.js';
import { readCsvFile } from './csv.js';
import { readCvatTables } from './cvat.js';
import { readLabelMeFolder } from './labelme.js';
import { readInstanceMasks } from './masks.js';
import type { AnnotationSource, ReadTablesOptions } from './source.js';
import { readViaFile } from './via.js';
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
      return readLabelMeFolder(source, report, options);
    case 'via':
      return readViaFile(source, report, options);
    case 'csv':
      return readCsvFile(source, report, options);
    case 'masks':
      return readInstanceMasks(source, report, options);
    default:
      return format satisfies never;
  }
}
