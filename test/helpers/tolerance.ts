import { expect } from 'vitest';
import { maxAbs, maxError } from './fixtures.js';

/** Tolerances as the fixtures' json states them in words; numbers are read from the text. */
export interface Tolerances {
  readonly activation: number;
  readonly logits: number;
  readonly gradient: number;
}

/**
 * Reads `max|a-b| <= 2e-5 * max(1, …)` and its like. A fixture that words them otherwise fails loudly
 * instead of being checked against a number of ours.
 */
export function readTolerances(lines: readonly string[]): Tolerances {
  const find = (pattern: RegExp): number | undefined => {
    const match = lines.map((line) => pattern.exec(line)).find((m) => m);
    return match ? Number(match[1]) : undefined;
  };
  const activation = find(/max\|a-b\| <= ([\d.e-]+) \* max\(1, max\|expected\|\)/);
  const gradient = find(/gradients?: max\|a-b\| <= ([\d.e-]+) \* max\(1e-3, max\|expected\|/);
  if (activation === undefined || gradient === undefined)
    throw new Error(`tolerances not understood: ${lines.join('; ')}`);
  return { activation, gradient, logits: find(/logits: abs ([\d.e-]+)/) ?? activation };
}

/** `max|a − b| ≤ tolerance · max(1, max|expected|)` */
export function expectActivation(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(maxError(actual, expected), name).toBeLessThanOrEqual(
    tolerance * Math.max(1, maxAbs(expected)),
  );
}

/** `max|a − b| ≤ tolerance · max(1e-3, max|expected|)` */
export function expectGradient(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(maxError(actual, expected), name).toBeLessThanOrEqual(
    tolerance * Math.max(1e-3, maxAbs(expected)),
  );
}
