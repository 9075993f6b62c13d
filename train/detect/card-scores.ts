import { bestScores } from '../../evaluation/coco/best-scores.js';
import type { BestScores } from '../../inference/card.js';
import { USUAL_SCORE } from '../../inference/detect/shown-scores.js';
import type { DetectorScores } from './evaluate.js';

/**
 * Chooses the scores of the model card: those with the best F1 of boxes, by class where it has at least 20 objects; of fewer
 * in all, the score is drawn toward the usual one.
 *
 * @returns undefined if no detection is right
 */
export function cardScores(
  { bbox }: DetectorScores,
  categoryIds: readonly number[],
): BestScores | undefined {
  const best = bestScores(bbox, { usual: USUAL_SCORE });
  if (!best) return undefined;
  const { overall, f1, byCategory } = best;
  return { overall, f1, byClass: categoryIds.map((id) => byCategory.get(id) ?? overall) };
}
