import type { PartialResult } from '../../evaluation/partial-result.js';
import { decodePartialResult, encodePartialResult } from '../../evaluation/partial-result.js';
import type { CollectiveOptions, Communicator } from './communicator.js';
import type { Shard } from './shard.js';

/** This process's share of an evaluation: sample `i` belongs to process `i mod count`. */
export interface EvaluationShare extends Shard {
  /**
   * Hands over what an evaluator has counted of this share.
   *
   * @param name of the evaluator; every process has the same ones in the same order
   * @returns what the others have counted, as far as it is there
   */
  exchange(name: string, part: PartialResult): Promise<readonly PartialResult[]>;
}

/** How many of `total` samples a share has. */
export function numOwn(total: number, { index, count }: Shard): number {
  return Math.max(0, Math.ceil((total - index) / count));
}

/** The samples of a share, in their order. */
export function ownSamples<Sample>(
  samples: readonly Sample[],
  share: Shard | undefined,
): readonly Sample[] {
  return share === undefined ? samples : samples.filter((_, i) => i % share.count === share.index);
}

/** Shares take different times. */
export const EVALUATION: CollectiveOptions = { what: 'evaluation', patient: true };

/** The share of a rank: all of them get the parts of all. */
export function shareOfRank(communicator: Communicator): EvaluationShare {
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
