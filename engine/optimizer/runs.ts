import { ConfigError } from '../../core/errors.js';

/** Contiguous range of the flat arrays whose parameters have equal settings. */
export interface ParameterRun {
  /** First element. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Factor of the learning rate. */
  readonly lrScale: number;
  /** Decoupled weight decay (AdamW) or L2 coefficient (SGD). */
  readonly weightDecay: number;
}

/**
 * Sorts runs by offset and merges adjacent ones of equal settings: fewer, longer loops with the same result.
 *
 * @throws ConfigError if two runs overlap
 */
export function mergeRuns(runs: readonly ParameterRun[]): readonly ParameterRun[] {
  const merged: ParameterRun[] = [];
  for (const run of [...runs].sort((a, b) => a.offset - b.offset || a.size - b.size)) {
    if (run.size === 0) continue;
    const last = merged.at(-1);
    const end = last ? last.offset + last.size : 0;
    if (run.offset < end) {
      throw new ConfigError(
        `mergeRuns: expected runs that do not overlap, got one at ${run.offset} before ${end}`,
      );
    }
    const joins =
      last !== undefined &&
      run.offset === end &&
      run.lrScale === last.lrScale &&
      run.weightDecay === last.weightDecay;
    if (joins) merged[merged.length - 1] = { ...last, size: last.size + run.size };
    else merged.push(run);
  }
  return merged;
}

/**
 * Checks that runs lie inside arrays of `size` elements.
 *
 * @throws ConfigError that names the first run that does not
 */
export function assertRuns(where: string, runs: readonly ParameterRun[], size: number): void {
  for (const { offset, size: length } of runs) {
    const inside = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0;
    if (!inside || length < 0 || offset + length > size) {
      throw new ConfigError(
        `${where}: expected runs within 0 … ${size}, got ${offset} … ${offset + length}`,
      );
    }
  }
}
