import { stopwatch } from '../../core/duration.js';
import { AnnotationsError } from '../../core/errors.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import { CocoEvaluator } from '../../evaluation/coco/evaluator.js';
import { fixedApParameters, lvisParameters } from '../../evaluation/coco/federated.js';
import type { CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { percent } from '../../report/format.js';
import { formatTable } from '../output.js';
import { readDetections, readGroundTruth } from './read-coco.js';

/** Options of scoring detections of LVIS. */
export interface LvisScoreOptions {
  readonly gt: string;
  readonly dt: readonly string[];
  readonly iouType: 'bbox' | 'segm';
  /** Whether to limit the detections of each category over the set instead of those of each image. */
  readonly fixed: boolean;
}

/** A score of LVIS with its inputs. */
interface LvisScore {
  readonly result: CocoResult;
  readonly groundTruth: CocoGroundTruth;
  readonly numDetections: number;
  readonly seconds: { readonly load: number; readonly evaluate: number };
}

/** Reads and scores result files by the rules of LVIS. @throws DataError for invalid input, and annotations of other sets */
export async function scoreLvis(options: LvisScoreOptions): Promise<LvisScore> {
  const { gt, dt, iouType, fixed } = options;
  const clock = stopwatch();
  const groundTruth = await readGroundTruth(gt, iouType, { isFederated: true });
  if (!groundTruth.federated)
    throw AnnotationsError.in(
      gt,
      'expected annotations of LVIS, whose images have neg_category_ids and not_exhaustive_category_ids, got none; score coco is for others',
    );
  const results = { iouType, strict: true, unknownImages: 'refuse' } as const;
  const { detections } = await readDetections(dt, groundTruth, results);
  const load = clock() / 1000;
  const parameters = fixed ? fixedApParameters(iouType) : lvisParameters(iouType);
  const evaluator = new CocoEvaluator(groundTruth, parameters);
  evaluator.update(detections);
  const result = evaluator.finish();
  const numDetections = detections.scores.length;
  return { result, groundTruth, numDetections, seconds: { load, evaluate: clock() / 1000 } };
}

/** Creates the JSON document of a score. */
export function lvisDocument(score: LvisScore, options: LvisScoreOptions): object {
  const { result, groundTruth, numDetections, seconds } = score;
  const { stats, statNames, perCategory, parameters, matches } = result;
  const frequencies = groundTruth.federated?.frequencies;
  const names = namesOf(groundTruth);
  return {
    task: 'lvis',
    iouType: parameters.iouType,
    fixed: options.fixed,
    files: { gt: options.gt, dt: options.dt },
    counts: {
      images: groundTruth.imageIds.length,
      annotations: groundTruth.ids.length,
      detections: numDetections,
      evaluatedDetections: matches.scores.length,
    },
    maxDets: parameters.maxDetections[0],
    metrics: Object.fromEntries(statNames.map((name, i) => [name, stats[i]])),
    perCategory: perCategory.map((summary) => ({
      name: names.get(summary.categoryId) ?? null,
      frequency: frequencies?.get(summary.categoryId) ?? null,
      ...summary,
    })),
    seconds,
  };
}

/** Formats a score for a terminal in percent. */
export function lvisText(score: LvisScore, perCategory: boolean): string {
  const { result, groundTruth, numDetections } = score;
  const { stats, statNames, parameters } = result;
  const names = namesOf(groundTruth);
  const blocks = [
    `${parameters.iouType}: ${groundTruth.imageIds.length} images, ${groundTruth.ids.length} annotations, ${numDetections} detections`,
    formatTable([statNames, stats.map((value) => percent(value, 2))]),
  ];
  if (perCategory)
    blocks.push(
      formatTable([
        ['category', 'frequency', 'AP', 'AP50', 'AP75', 'AR'],
        ...result.perCategory.map(({ categoryId, AP, AP50, AP75, AR }) => [
          names.get(categoryId) ?? String(categoryId),
          groundTruth.federated?.frequencies.get(categoryId) ?? '-',
          ...[AP, AP50, AP75, AR].map((value) => percent(value)),
        ]),
      ]),
    );
  return blocks.join('\n\n');
}

const namesOf = ({ categories }: CocoGroundTruth): ReadonlyMap<number, string> =>
  new Map(categories.map(({ id, name }) => [id, name]));
