import { join } from 'node:path';
import type { CocoSet } from '../../datasets/coco/set.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import type { DetectorModel } from '../../inference/model.js';
import { toCoco } from '../../inference/to-coco.js';
import { assertApart } from '../../io/files/apart.js';
import { writeJsonAtomically } from '../../io/files/atomic.js';
import { writeJsonRowsAtomically } from '../../io/files/json-stream.js';
import { percent } from '../../report/format.js';
import { numOwn } from '../distributed/evaluation.js';
import { NO_SCORES, reportEmptyShard, shardWork } from '../distributed/sharded-work.js';
import {
  headlineOf,
  tellingProgress,
  type AveragePrecisions,
  type CategoryScores,
  type DetectionScores,
  type EvaluationOptions,
  type EvaluationReport,
} from '../evaluation.js';
import { evaluatedSet } from './evaluated-set.js';
import { evaluateDetector, type DetectorScores } from './evaluate.js';

/** Files in the folder of `--out`. */
const OUTPUTS = ['results.json', 'scores.json'];

/**
 * Computes COCO's average precision of boxes and masks. With `out` also `results.json` (which `score coco`
 * takes) and `scores.json`.
 *
 * @param data path of annotations and images, or set
 * @throws DataError, ConfigError
 */
export async function scoreDetector(
  model: DetectorModel,
  data: string | CocoSet,
  options: EvaluationOptions,
): Promise<EvaluationReport<DetectionScores>> {
  const { limit, out, split = 'val', onNotice } = options;
  const set = await evaluatedSet(model, data, options);
  const { shard, finish, gather, spool } = shardWork(options);
  const { categoryIds } = set.classes;
  const nameOf = (id: number): string => model.classNames[categoryIds.indexOf(id)];
  if (out)
    assertApart(
      `--out ${out}`,
      OUTPUTS.map((name) => join(out, name)),
      [set.file],
    );
  const rows = out === undefined ? undefined : spool<object>('results');
  const total = Math.min(set.images.ids.length, limit ?? Infinity);
  reportEmptyShard(shard, shard ? numOwn(total, shard) : total, onNotice);
  const start = performance.now();
  const scores = await evaluateDetector(model, set, {
    limit: typeof data === 'string' ? undefined : limit,
    shard,
    onImage: tellingProgress(onNotice),
    onResult: ({ imageId }, result) => {
      rows?.add(imageId, toCoco(result, { imageId, categoryIds }));
    },
  });
  const seconds = (performance.now() - start) / 1000;
  const document = {
    model: model.file,
    data: typeof data === 'string' ? data : set.file,
    split,
    tta: model.options.tta ?? false,
    tile: model.options.tile ?? null,
    average: model.options.ema ? ('ema' as const) : ('none' as const),
    count: scores.numImages,
    detections: scores.numDetections,
    bbox: precisionsOf(scores.bbox),
    bboxPerCategory: categoriesOf(scores.bbox, nameOf),
    ...(scores.segm && {
      segm: precisionsOf(scores.segm),
      segmPerCategory: categoriesOf(scores.segm, nameOf),
    }),
    seconds,
    imagesPerSecond: scores.numImages / seconds,
  };
  if (out && rows) {
    const results = await gather('results', rows);
    if (await finish()) {
      await writeJsonRowsAtomically(join(out, 'results.json'), results);
      await writeJsonAtomically(join(out, 'scores.json'), document);
      onNotice?.(`wrote results.json and scores.json to ${out}`);
    }
    rows.remove();
  }
  const names = options.perCategory ? nameOf : undefined;
  return {
    document,
    headline: headlineOf('AP', scores.bbox.stats[0], { what: 'boxes', images: scores.numImages }),
    table: scores.numImages === 0 ? NO_SCORES : tableOf(scores, names),
  };
}

/** Lists all numbers of a score by name. */
function precisionsOf({ stats, statNames }: CocoResult): AveragePrecisions {
  return Object.fromEntries(statNames.map((name, i) => [name, stats[i]])) as AveragePrecisions;
}

/** Lists the numbers of every category. */
function categoriesOf(
  { perCategory }: CocoResult,
  nameOf: (categoryId: number) => string,
): readonly CategoryScores[] {
  return perCategory.map(({ categoryId, AP, AP50, AP75, AR }) => ({
    name: nameOf(categoryId),
    categoryId,
    AP,
    AP50,
    AP75,
    AR,
  }));
}

/** Formats the twelve numbers of boxes and masks in percent and, given names, those of every category. */
function tableOf(
  { bbox, segm }: DetectorScores,
  nameOf: ((categoryId: number) => string) | undefined,
): EvaluationReport['table'] {
  const rowsOf = (kind: string, { stats, perCategory }: CocoResult): EvaluationReport['table'] => [
    [kind, ...stats.map((value) => percent(value, 2))],
    ...(nameOf ? perCategory : []).map(({ categoryId, AP, AP50, AP75, AR, APbyArea, ARbyArea }) => [
      `${kind} ${nameOf?.(categoryId) ?? ''}`,
      ...[AP, AP50, AP75, ...APbyArea.slice(1)].map((value) => percent(value, 2)),
      ...Array.from({ length: bbox.statNames.length - 10 }, () => ''),
      percent(AR, 2),
      ...ARbyArea.slice(1).map((value) => percent(value, 2)),
    ]),
  ];
  return [['%', ...bbox.statNames], ...rowsOf('bbox', bbox), ...(segm ? rowsOf('segm', segm) : [])];
}
