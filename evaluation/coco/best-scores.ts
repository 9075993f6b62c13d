import { orderByScore } from '../score-order.js';
import type { CocoResult } from './evaluator.js';
import { bestPoint, curvePoints, thresholdCurves } from './threshold-curves.js';

/** Number of objects from which a category has a threshold of its own: with fewer, the best one is chance. */
const LEAST_OBJECTS = 20;

/** Score thresholds with the best F1. */
export interface BestScores {
  /** Over the detections of all categories together. */
  readonly overall: number;
  /** F1 at this threshold. */
  readonly f1: number;
  /** By category id, for categories with at least 20 objects. */
  readonly byCategory: ReadonlyMap<number, number>;
}

/**
 * Finds the score thresholds with the best F1 at IoU 0.5, rounded down to three digits. Ignored detections and crowds do
 * not count.
 *
 * @returns undefined if no detection is right
 * @throws ConfigError unless IoU 0.5 was evaluated
 */
export function bestScores(result: CocoResult): BestScores | undefined {
  const { matches, numGroundTruths, parameters } = result;
  const numAreas = parameters.areaRanges.length;
  const curves = thresholdCurves(result, 0.5);
  const totals = numGroundTruths.filter((_, i) => i % numAreas === 0);
  const total = totals.reduce((sum, n) => sum + n, 0);
  const t = parameters.iouThresholds.indexOf(0.5);
  const best = bestPoint(curvePoints(result, { t, order: orderByScore(matches.scores), total }));
  if (!best || best.f1 === 0) return undefined;
  const { categoryIds } = result.grid;
  const numObjects = (id: number): number => totals[categoryIds.indexOf(id)] ?? 0;
  const own = curves.flatMap((curve): readonly (readonly [number, number])[] =>
    curve.best && curve.best.f1 > 0 && numObjects(curve.categoryId) >= LEAST_OBJECTS
      ? [[curve.categoryId, roundDown(curve.best.score)]]
      : [],
  );
  return { overall: roundDown(best.score), f1: best.f1, byCategory: new Map(own) };
}

const roundDown = (score: number): number => Math.floor(1000 * score) / 1000;
