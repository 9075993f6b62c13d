import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { loadDetectionSplit } from '../../datasets/layout/load.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { openEngine } from '../../engine/runtime/engine.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import { DETECTION_STATS } from '../../evaluation/coco/summary.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import type { DetectorScores } from '../../train/detect/evaluate.js';
import { evaluateDetector } from '../../train/detect/evaluate.js';
import { numOwn } from '../../train/distributed/evaluation.js';
import type { CocoResultRow } from '../../train/detect/results.js';
import { cocoResultRows } from '../../train/detect/results.js';
import { writeJsonAtomically } from '../../io/files/atomic.js';
import { detectorViews, openDetector } from '../model/detector.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import { percent } from '../score/format.js';
import type { EvalReport, EvalRequest } from './request.js';
import { NO_SCORES, reportEmptyShare, shareOf } from '../share.js';

/**
 * COCO's average precision of boxes and masks. With `--out` also `results.json` (which `score coco` takes) and `scores.json`.
 *
 * @throws ConfigError, DataError, WeightsError
 */
export async function evalDetect(located: LocatedModel, request: EvalRequest): Promise<EvalReport> {
  const data = await detectLayout(request.data, {
    valFraction: request.valFraction,
    seed: request.seed,
  });
  if (data.kind !== 'detection')
    throw new DataError(
      `${request.data}: expected images with COCO annotations, got a set for ${data.kind}`,
    );
  log(data.line);
  const { limit, out, split, tta = false } = request;
  const { share, finish, gather } = shareOf(request);
  const set = await loadDetectionSplit(data, split, { limit });
  const { card, file, model, store } = await openDetector(located, request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const { thresholds, classNames } = card;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  const { categoryIds } = set.classes;
  const nameOf = (id: number): string => classNames[categoryIds.indexOf(id)];
  const rows: CocoResultRow[] = [];
  const total = set.images.ids.length;
  const own = share ? numOwn(total, share) : total;
  reportEmptyShare(share, own);
  const start = performance.now();
  try {
    const scores = await evaluateDetector(
      (image) => predictor.predictViews(detectorViews(image, card, tta)),
      set,
      {
        classNames,
        masks: model.config.masks !== null,
        limits: card.limits,
        onImage: progress(own),
        ...(share ? { share } : {}),
        ...(out
          ? {
              onPrediction: ({ imageId }, found) => {
                rows.push(...cocoResultRows(found, imageId, categoryIds));
              },
            }
          : {}),
      },
    );
    const seconds = (performance.now() - start) / 1000;
    const document = {
      model: file,
      data: request.data,
      split,
      tta,
      count: scores.numImages,
      detections: scores.numDetections,
      ...documentOf('bbox', scores.bbox, nameOf),
      ...(scores.segm ? documentOf('segm', scores.segm, nameOf) : {}),
      seconds,
      imagesPerSecond: scores.numImages / seconds,
    };
    const all = out
      ? await gather(
          'results',
          rows.map((row) => [row.image_id, row] as const),
        )
      : [];
    if (out && (await finish())) {
      mkdirSync(out, { recursive: true });
      await writeJsonAtomically(join(out, 'results.json'), all);
      await writeJsonAtomically(join(out, 'scores.json'), document);
      log(`wrote results.json and scores.json to ${out}`);
    }
    const names = request.perCategory ? nameOf : undefined;
    return { document, table: scores.numImages === 0 ? NO_SCORES : tableOf(scores, names) };
  } finally {
    await predictor.release();
  }
}

/** A line for every tenth of the images. */
function progress(total: number): (done: number) => void {
  const start = performance.now();
  return (done) => {
    if (Math.floor((10 * done) / total) === Math.floor((10 * (done - 1)) / total)) return;
    const rate = (1000 * done) / (performance.now() - start);
    log(
      `${done} of ${total} images, ${rate.toFixed(2)} images/s, ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
    );
  };
}

/** All numbers of a score by name, and those of every category. */
function documentOf(
  kind: 'bbox' | 'segm',
  { stats, perCategory }: CocoResult,
  nameOf: (categoryId: number) => string,
): object {
  return {
    [kind]: Object.fromEntries(DETECTION_STATS.map((name, i) => [name, stats[i]])),
    [`${kind}PerCategory`]: perCategory.map(({ categoryId, AP, AP50, AP75, AR }) => ({
      name: nameOf(categoryId),
      categoryId,
      AP,
      AP50,
      AP75,
      AR,
    })),
  };
}

/** The twelve numbers of boxes and masks in percent and, given names, those of every category that it has. */
function tableOf(
  { bbox, segm }: DetectorScores,
  nameOf: ((categoryId: number) => string) | undefined,
): EvalReport['table'] {
  const rowsOf = (kind: string, { stats, perCategory }: CocoResult): EvalReport['table'] => [
    [kind, ...stats.map((value) => percent(value, 2))],
    ...(nameOf ? perCategory : []).map(({ categoryId, AP, AP50, AP75, AR, APbyArea, ARbyArea }) => [
      `${kind} ${nameOf?.(categoryId) ?? ''}`,
      ...[AP, AP50, AP75, ...APbyArea.slice(1)].map((value) => percent(value, 2)),
      ...['', '', percent(AR, 2)],
      ...ARbyArea.slice(1).map((value) => percent(value, 2)),
    ]),
  ];
  return [
    ['%', ...DETECTION_STATS],
    ...rowsOf('bbox', bbox),
    ...(segm ? rowsOf('segm', segm) : []),
  ];
}
