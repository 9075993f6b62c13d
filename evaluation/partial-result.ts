import { ConfigError, ResultsError } from '../core/errors.js';
import type { PartialResult, ResultArray } from '../core/partial-result.js';

/**
 * Checks that a partial result belongs to this evaluation, and returns its arrays.
 *
 * @throws ConfigError if it was written by another evaluator or with other settings
 * @throws DataError if an array is missing
 */
export function partialArrays<Names extends string>(
  partial: PartialResult,
  expected: {
    readonly kind: string;
    readonly settings: unknown;
    readonly arrays: readonly Names[];
  },
): Readonly<Record<Names, ResultArray>> {
  if (partial.kind !== expected.kind)
    throw new ConfigError(`merge: expected a part of ${expected.kind}, got one of ${partial.kind}`);
  const different = differentSettings(expected.settings, partial.settings);
  if (different !== undefined)
    throw new ConfigError(
      `merge: expected a part of the same evaluation, got one with ${different}`,
    );
  for (const name of expected.arrays)
    if (!partial.arrays[name]) throw new ResultsError(`merge: expected an array ${name}, got none`);
  return partial.arrays as Record<Names, ResultArray>;
}

/** Describes the first setting that differs, as `name value instead of value`. */
function differentSettings(expected: unknown, got: unknown): string | undefined {
  const [a, b] = [expected, got].map((value) =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { value },
  );
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [want, is] = [a, b].map((settings) => JSON.stringify(settings[name]) ?? 'nothing');
    if (want !== is) return `${name} ${shorten(is)} instead of ${shorten(want)}`;
  }
  return undefined;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
