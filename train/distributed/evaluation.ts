import type { PartialResult } from '../../core/partial-result.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import type { CollectiveOptions, Communicator } from './communicator.js';
import type { Shard } from './shard.js';

/** Shard of an evaluation: sample `i` belongs to process `i mod count`. */
export interface EvaluationShard extends Shard {
  /**
   * Exchanges the partial result of an evaluator.
   *
   * @param name name of the evaluator; every process uses the same names in the same order
   * @returns partial results of the others that are available
   */
  exchange(name: string, part: PartialResult): Promise<readonly PartialResult[]>;
}

/** Images of an evaluation. */
export interface EvaluatedImages {
  /** Number of images from the beginning; default: all. */
  readonly limit?: number | undefined;
  /** Shard of this process; default: all images. */
  readonly shard?: EvaluationShard | undefined;
  /** Called after each image with the numbers of images done and in all. */
  readonly onImage?: ((done: number, total: number) => void) | undefined;
}

/** Number of samples of a shard, of `total`. */
export function numOwn(total: number, { index, count }: Shard): number {
  return Math.max(0, Math.ceil((total - index) / count));
}

/** Selects the samples of a shard, in order. */
export function ownSamples<Sample>(
  samples: readonly Sample[],
  shard: Shard | undefined,
): readonly Sample[] {
  return shard === undefined ? samples : samples.filter((_, i) => i % shard.count === shard.index);
}

/** Shards take different times. */
export const EVALUATION: CollectiveOptions = { what: 'evaluation', patient: true };

/** Creates the shard of a rank; all ranks get the partial results of all. */
export function evaluationShard(communicator: Communicator): EvaluationShard {
  const { rank, size } = communicator;
  return {
    index: rank,
    count: size,
    exchange: async (name, part) => {
      const all = await communicator.gather(encodePartialResult(part), EVALUATION);
      return all
        .filter((_, r) => r !== rank)
        .map((bytes) => decodePartialResult(bytes, `${name} of another rank`));
    },
  };
}
