import type { DetectedObject } from '../../core/results.js';
import type { DetectorCard } from '../card.js';
import type { PredictCallOptions } from '../predict-options.js';
import type { DetectionChoice } from './prediction.js';

/** Smallest score of shown objects of models without a threshold of their own. */
export const USUAL_SCORE = 0.3;

/** Largest IoU of two shown objects of different classes: above it they are two names for one object. */
export const ACROSS_CLASSES_IOU = 0.7;

/** Smallest scores of the objects that people see. */
export interface ShownScores {
  /** Of all classes, or of those without a value of their own. */
  readonly score: number;
  /** By class index; absent if all classes have the same. */
  readonly byClass?: readonly number[] | undefined;
  /** Source: an option, the best F1 of the run's validation, or the default of models without one. */
  readonly from: 'option' | 'validation' | 'default';
}

/**
 * Chooses the smallest scores of objects: the given one, else those of the model card, else the usual one.
 *
 * @param score value of an option
 * @param usual for models without scores of a validation; where people see the objects, {@link USUAL_SCORE}
 */
export function shownScores(
  { bestScores }: Pick<DetectorCard, 'bestScores'>,
  score: number | undefined,
  usual = USUAL_SCORE,
): ShownScores {
  if (score !== undefined) return { score, from: 'option' };
  if (!bestScores) return { score: usual, from: 'default' };
  return { score: bestScores.overall, byClass: bestScores.byClass, from: 'validation' };
}

/** Chooses detections by the options of a call, else of its model; without a score of either or of the card, all. */
export function detectionChoice(
  card: Pick<DetectorCard, 'bestScores'>,
  options: PredictCallOptions,
  call: PredictCallOptions,
): DetectionChoice {
  const { score = options.score, max = options.max, perClassNms = options.perClassNms } = call;
  const { score: overall, byClass } = shownScores(card, score, 0);
  const acrossClassesIou = perClassNms ? undefined : ACROSS_CLASSES_IOU;
  return { minScore: byClass ?? overall, acrossClassesIou, max };
}

/** Score option of `predict` that gives the shown objects: none for scores of the card, which it takes by class. */
export const scoreOption = ({ score, from }: ShownScores): number | undefined =>
  from === 'validation' ? undefined : score;

/** Selects the shown objects. */
export function shownObjects(
  objects: readonly DetectedObject[],
  { score: least, byClass }: ShownScores,
): readonly DetectedObject[] {
  return objects.filter(({ score, classIndex }) => score >= (byClass?.[classIndex] ?? least));
}

/** Scores by the names of the classes that have another one than the rest; undefined if there are none. */
function ownScores(
  { score, byClass = [] }: ShownScores,
  classNames: readonly string[],
): Readonly<Record<string, number>> | undefined {
  const own = byClass.flatMap((value, k) => (value === score ? [] : [[classNames[k], value]]));
  return own.length > 0 ? (Object.fromEntries(own) as Record<string, number>) : undefined;
}

/** Fields of `predict --json`. */
export function scoreFields(
  shown: ShownScores,
  classNames: readonly string[],
): { readonly score: number; readonly scores?: object | undefined; readonly scoreFrom: string } {
  return { score: shown.score, scores: ownScores(shown, classNames), scoreFrom: shown.from };
}

/** Number of classes that {@link describeScores} lists. */
const MOST_LISTED = 6;

/** Describes scores of the model card for people; undefined for an option, which they gave themselves. */
export function describeScores(
  shown: ShownScores,
  classNames: readonly string[],
): string | undefined {
  const { score, from } = shown;
  if (from === 'option') return undefined;
  if (from === 'default')
    return `objects from score ${score} on; the model has no threshold of a validation (--score overrides)`;
  const own = Object.entries(ownScores(shown, classNames) ?? {});
  const listed = own.slice(0, MOST_LISTED).map(([name, value]) => `${name} ${value}`);
  const rest = own.length - listed.length;
  const others = rest > 0 ? [`${rest} more`] : [];
  const list = own.length > 0 ? ` (${[...listed, ...others].join(', ')})` : '';
  return `objects from score ${score} on${list}, the best F1 of the run's validation (--score overrides)`;
}
