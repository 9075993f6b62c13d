import type { CocoDomain, IouType } from '../../core/coco.js';
import { DataError } from '../../core/errors.js';
import { tableDomain, tableObjects } from '../../datasets/coco/ground-truth.js';
import { CocoGroundTruthBuilder, type CocoGroundTruth } from '../../evaluation/coco/objects.js';
import {
  CocoResultsBuilder,
  type CocoResults,
  type ResultsOptions,
} from '../../evaluation/coco/results-builder.js';
import { readAnnotations } from '../../io/coco/annotations.js';
import { refuseLoss } from '../../io/coco/issues.js';
import { readResults } from '../../io/coco/results.js';

/**
 * Reads ground-truth annotations. Only the fields that `iouType` needs are checked.
 *
 * @param wantsMask selects the images whose masks are needed, others get empty ones; default: all
 * @throws DataError if it is not an annotation file or an object lacks a required field
 */
export async function readGroundTruth(
  file: string,
  iouType: IouType,
  wantsMask: (imageId: number) => boolean = () => true,
): Promise<CocoGroundTruth> {
  const tables = await readAnnotations(file, refuseLoss, { compared: iouType, wantsMask });
  const builder = new CocoGroundTruthBuilder(tableDomain(tables));
  const masks = iouType === 'segm' ? { wantsMask } : {};
  for (const object of tableObjects(tables, masks)) builder.add(object);
  return builder.build(file);
}

/**
 * Reads result files as one concatenated list.
 *
 * @throws DataError if a file is not a list of detections or a record lacks a required field
 */
export async function readDetections(
  files: readonly string[],
  domain: CocoDomain,
  options: ResultsOptions,
): Promise<CocoResults> {
  const builder = new CocoResultsBuilder(domain, options);
  for (const file of files)
    await readResults(file, {
      fields: (first) => builder.fields(first),
      report: refuseLoss,
      record: (record, id) => {
        try {
          builder.add(record);
        } catch (cause) {
          if (!(cause instanceof DataError)) throw cause;
          throw new DataError(`${file}: [${id}]: ${cause.message}`, { cause, file, id });
        }
      },
    });
  return builder.build(files.join(', '));
}
