import { shownScores } from '../inference/detect/shown-scores.js';
import type { ImageModel } from '../inference/model.js';
import type { ModelInfo } from './messages.js';

/**
 * Describes an open model for callers and the page.
 *
 * @param score smallest score of objects instead of that of the model
 */
export function infoOf(
  name: string,
  { task, card, classNames }: Pick<ImageModel, 'task' | 'card' | 'classNames'>,
  score?: number,
): ModelInfo {
  const idOf = (k: number): number => (card.task === 'detect' ? card.categoryIds[k] : k + 1);
  return {
    name,
    task,
    classes: classNames.map((each, k) => ({ id: idOf(k), name: each })),
    input: card.task === 'classify' ? card.resize : card.limits,
    scores: card.task === 'detect' ? shownScores(card, score) : undefined,
  };
}
