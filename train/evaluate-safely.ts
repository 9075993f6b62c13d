import type { Scalars } from './trainer.js';

/** Scores of an evaluation, and the reason if some are missing. */
interface SafeEvaluation {
  readonly metrics: Scalars;
  readonly problem: string | undefined;
}

/**
 * Evaluates; an error, or a score that is not finite, becomes a problem instead of the end of a run, whose steps are worth
 * more than one evaluation.
 */
export async function evaluateSafely(evaluate: () => Promise<Scalars>): Promise<SafeEvaluation> {
  try {
    const all = Object.entries(await evaluate());
    const metrics = Object.fromEntries(all.filter(([, value]) => Number.isFinite(value)));
    const others = all.filter(([, value]) => !Number.isFinite(value));
    const problem = others
      .map(([name, value]) => `${name}: expected a number, got ${value}`)
      .join('; ');
    return { metrics, problem: problem === '' ? undefined : `${problem} (nothing to score?)` };
  } catch (error) {
    const { name, message } = error as Error;
    return { metrics: {}, problem: `${name}: ${message}; training goes on` };
  }
}
