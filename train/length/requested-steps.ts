import { stepsOfRule } from '../recipes/own-data.js';
import type { RequestedLength } from './pace.js';
import type { RunLength } from './run-length.js';

/**
 * Computes the number of steps of a run, as far as it is known before it starts.
 *
 * @param configured length of the configuration
 * @returns infinity for a run that has to end in time
 */
export function requestedSteps(
  requested: RequestedLength | undefined,
  configured: Pick<RunLength, 'epochs'>,
  stepsPerEpoch: number,
): number {
  switch (requested?.by.kind) {
    case 'minutes':
      return Infinity;
    case 'epochs':
      return Math.ceil(requested.by.epochs * stepsPerEpoch);
    case 'rule':
      return stepsOfRule(requested.by.rule, stepsPerEpoch);
    default:
      return configured.epochs * stepsPerEpoch;
  }
}
