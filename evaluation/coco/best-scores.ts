import { orderByScore } from '../score-order.js';
import type { CocoResult } from './evaluator.js';
import { bestPoint, curvePoints, thresholdCurves } from './threshold-curves.js';

/** Number of objects from which a category has a threshold of its own: with fewer, the best one is chance. */
const LEAST_OBJECTS = 20;

/** Options of {@link bestScores}. */
interface BestScoresOptions {
  /** Threshold of models in general, which the overall one is drawn to as far as there are fewer than 20 objects. */
  readonly usual?: number | undefined;
}

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
 * Finds the score thresholds with the best F1 at IoU 0.5, rounded down to three digits: halfway between the last detection
 * that is kept and the first that is not. Ignored detections and crowds do not count.
 *
 * @returns undefined if no detection is right
 * @throws ConfigError unless IoU 0.5 was evaluated
 */
export function bestScores(
  result: CocoResult,
  { usual }: BestScoresOptions = {},
): BestScores | undefined {
  const { matches, numGroundTruths, parameters } = result;
  const numAreas = parameters.areaRanges.length;
  const curves = thresholdCurves(result, 0.5);
  const totals = numGroundTruths.filter((_, i) => i % numAreas === 0);
  const total = totals.reduce((sum, n) => sum + n, 0);
  const t = parameters.iouThresholds.indexOf(0.5);
  const points = curvePoints(result, { t, order: orderByScore(matches.scores), total });
  const best = bestPoint(points);
  if (!best || best.f1 === 0) return undefined;
  const { categoryIds } = result.grid;
  const numObjects = (id: number): number => totals[categoryIds.indexOf(id)] ?? 0;
  const own = curves.flatMap((curve): readonly (readonly [number, number])[] =>
    curve.best && curve.best.f1 > 0 && numObjects(curve.categoryId) >= LEAST_OBJECTS
      ? [[curve.categoryId, inGapBelow(curve.best.score, curve.scores)]]
      : [],
  );
  const found = inGapBelow(
    best.score,
    Float64Array.from(points, ({ score }) => score),
  );
  const trust = usual === undefined ? 1 : Math.min(1, total / LEAST_OBJECTS);
  const drawn = trust === 1 ? found : roundDown(trust * found + (1 - trust) * (usual ?? 0));
  // At least one right detection is kept.
  const overall = Math.min(drawn, roundDown(best.score));
  const { f1 } = points.findLast(({ score }) => score >= overall) ?? { f1: 0 };
  return { overall, f1, byCategory: new Map(own) };
}

/** Threshold that keeps a score and not the next lower one. @param scores distinct scores, descending */
function inGapBelow(score: number, scores: Float64Array): number {
  const next = scores[scores.indexOf(score) + 1] ?? 0;
  const middle = roundDown((score + next) / 2);
  return middle > next ? middle : roundDown(score);
}

const roundDown = (score: number): number => Math.floor(1000 * score) / 1000;
