/** Array of a {@link PartialResult}. */
export type ResultArray = Float64Array | Uint32Array | Int32Array;

/**
 * Partial result of an evaluator on its shard of a data set. Every worker of a distributed evaluation writes one; one
 * process merges them.
 */
export interface PartialResult {
  /** Kind of evaluator. */
  readonly kind: string;
  /** Settings common to all partial results of an evaluation, plain JSON. */
  readonly settings: unknown;
  readonly arrays: Readonly<Record<string, ResultArray>>;
}
