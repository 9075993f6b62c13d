import { readAnnotations } from '../../io/coco/annotations.js';
import { readCsvFile } from './csv.js';
import { readCvatTables } from './cvat.js';
import { readLabelMeFolder } from './labelme.js';
import { readInstanceMasks } from './masks.js';
import type { AnnotationFormat, ReadTables } from './source.js';
import { readViaFile } from './via.js';
import { readVoc } from './voc.js';
import { readYolo } from './yolo.js';

const READERS: Readonly<Record<AnnotationFormat, ReadTables>> = {
  coco: ({ annotations }, report, options) => readAnnotations(annotations, report, options),
  voc: readVoc,
  yolo: readYolo,
  cvat: readCvatTables,
  labelme: readLabelMeFolder,
  via: readViaFile,
  csv: readCsvFile,
  masks: readInstanceMasks,
};

/**
 * Reads annotations of any format into typed arrays. Invalid records and files are reported and left out.
 *
 * @param report called with the issues of individual records
 * @throws DataError if the annotations cannot be read at all
 */
export const readTables: ReadTables = (source, report, options) =>
  READERS[source.format ?? 'coco'](source, report, options);
