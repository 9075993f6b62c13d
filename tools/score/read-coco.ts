import type { CocoDomain, IouType } from '../../core/coco.js';
import { DataError, ResultsError } from '../../core/errors.js';
import { tableDomain, tableObjects } from '../../datasets/coco/ground-truth.js';
import { CocoGroundTruthBuilder, type CocoGroundTruth } from '../../evaluation/coco/objects.js';
import {
  CocoResultsBuilder,
  type CocoResults,
  type ResultsOptions,
} from '../../evaluation/coco/results-builder.js';
import { shareResults, type SharedResults } from '../../evaluation/coco/shared-results.js';
import type { ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { readAnnotations } from '../../io/coco/annotations.js';
import { refuseLoss } from '../../io/coco/issues.js';
import { cutList } from '../../io/coco/list-cuts.js';
import { firstResult, readResults } from '../../io/coco/results.js';
import type { ByteRange } from '../../io/coco/scan-file.js';

/** Options of {@link readGroundTruth}. */
interface GroundTruthOptions {
  readonly wantsMask?: ((imageId: number) => boolean) | undefined;
  readonly isFederated?: boolean | undefined;
}

/**
 * Reads ground-truth annotations. Only the fields that `iouType` needs are checked.
 *
 * @param options.wantsMask selects the images whose masks are needed, others get empty ones; default: all
 * @param options.isFederated whether the labels of LVIS count; the protocol of COCO has none
 * @throws DataError if it is not an annotation file or an object lacks a required field
 */
export async function readGroundTruth(
  file: string,
  iouType: IouType,
  { wantsMask = () => true, isFederated = false }: GroundTruthOptions = {},
): Promise<CocoGroundTruth> {
  const tables = await readAnnotations(file, refuseLoss, { compared: iouType, wantsMask });
  const { federated, ...domain } = tableDomain(tables);
  const builder = new CocoGroundTruthBuilder(isFederated ? { ...domain, federated } : domain);
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
  for (const file of files) await readInto(builder, file);
  return builder.build(files.join(', '));
}

/**
 * Reads one of `count` parts of a result file, for threads that read one each and join them.
 *
 * @returns undefined if the file cannot be read in parts; reading all of it tells why
 */
export async function readDetectionsPart(
  file: string,
  domain: CocoDomain,
  options: ResultsOptions,
  { index, count }: ThreadShard,
): Promise<SharedResults | undefined> {
  try {
    const ranges = await cutList(file, count);
    if (!ranges) return undefined;
    const builder = new CocoResultsBuilder(domain, { ...options, isShared: true });
    if (index > 0) builder.fields(await firstResult(file));
    await readInto(builder, file, ranges[index]);
    return shareResults(builder.build(file));
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

async function readInto(
  builder: CocoResultsBuilder,
  file: string,
  range?: ByteRange,
): Promise<void> {
  await readResults(
    file,
    {
      fields: (first) => builder.fields(first),
      report: refuseLoss,
      record: (record, id) => {
        try {
          builder.add(record);
        } catch (cause) {
          if (!(cause instanceof DataError)) throw cause;
          throw new ResultsError(`${file}: [${id}]: ${cause.message}`, { cause, file, id });
        }
      },
    },
    range,
  );
}
