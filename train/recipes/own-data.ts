/**
 * Recipes whose settings are chosen by the training set, unless the user sets them (see `Task.fit`), with what they are chosen
 * by for people.
 */
export const FITTED_RECIPES: ReadonlyMap<string, string> = new Map([
  ['detect', 'objects of the data'],
  ['classify', 'images of the data'],
  ['segment', 'images of the data'],
]);

/** Rule for the length of training on a person's own data, in passes over the images. */
export interface LengthRule {
  /** Number of times that every image is seen. */
  readonly passes: number;
  /** Fewest and most steps, where the passes give fewer or more. */
  readonly minSteps: number;
  readonly maxSteps: number;
  /** Fewest passes, which hold beyond `maxSteps`. */
  readonly minPasses: number;
}

/**
 * Length rules of the recipes for people's own data, by recipe. They replace the recipe's own length unless that is set.
 * Recipes with a published schedule have none. A step is one update, so what the optimizer needs to converge is a number of
 * steps (`minSteps`), what the set needs is a number of passes, and what a person waits for is limited (`maxSteps`).
 *
 * - `detect`: 30 passes as on 160 photos for AP50 0.63 (2,400 steps), about 6,000 steps as the 12 to 14 epochs of 1,000
 *   images that the recipe's scores are measured with; with fewer than 1,200 steps a detector from scratch finds nothing
 *   (48 steps on 24 photos: AP 2e-4). The recipe's 4 epochs hold for large sets.
 * - `detect-finetune`: its 12 epochs for large sets, 30 for small ones, as heads are new.
 * - `classify`, `classify-finetune`: the recipe's epochs, twice as many for small sets; 600 and 200 steps at least.
 * - `segment`, `segment-finetune`: the 800 steps of the recipe at least.
 * - `pretrain`: as many passes as fit in the steps, since FCMAE gains from every one (1,600 in the paper).
 */
export const LENGTH_RULES: Readonly<Record<string, LengthRule>> = {
  detect: { passes: 30, minSteps: 1200, maxSteps: 6000, minPasses: 4 },
  'detect-finetune': { passes: 30, minSteps: 400, maxSteps: 3000, minPasses: 12 },
  classify: { passes: 60, minSteps: 600, maxSteps: 6000, minPasses: 30 },
  'classify-finetune': { passes: 30, minSteps: 200, maxSteps: 3000, minPasses: 15 },
  segment: { passes: 40, minSteps: 800, maxSteps: 8000, minPasses: 10 },
  'segment-finetune': { passes: 40, minSteps: 800, maxSteps: 8000, minPasses: 10 },
  pretrain: { passes: 800, minSteps: 1000, maxSteps: 10_000, minPasses: 30 },
};

/** Computes the number of steps of a rule. @param stepsPerPass steps that see every image once, a fraction for small sets */
export function stepsOfRule(
  { passes, minSteps, maxSteps, minPasses }: LengthRule,
  stepsPerPass: number,
): number {
  const wanted = Math.min(Math.max(passes * stepsPerPass, minSteps), maxSteps);
  return Math.ceil(Math.max(wanted, minPasses * stepsPerPass));
}
