import type { PartialResult } from '../../evaluation/partial-result.js';
import { decodePartialResult, encodePartialResult } from '../../evaluation/partial-result.js';
import type { Communicator } from './communicator.js';
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

/** The share of a rank: all of them get the parts of all. */
export function shareOfRank(communicator: Communicator): EvaluationShare {
  const { rank, size } = communicator;
  return {
    index: rank,
    count: size,
    exchange: async (name, part) => {
      const all = await gatherBytes(communicator, encodePartialResult(part));
      return all
        .filter((_, r) => r !== rank)
        .map((bytes) => decodePartialResult(bytes, `${name} of another rank`));
    },
  };
}

/** Bytes that a float32 holds exactly as a whole number. */
const PACKED = 3;
const HALF = 2 ** 20;

/** The bytes of every rank, by rank. */
export async function gatherBytes(
  communicator: Communicator,
  own: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const { rank, size } = communicator;
  const lengths = new Float32Array(2 * size);
  lengths.set([Math.floor(own.length / HALF), own.length % HALF], 2 * rank);
  // Shares take different times.
  await communicator.allReduceSum(lengths, { what: 'evaluation', patient: true });
  const all: Uint8Array[] = [];
  for (let r = 0; r < size; r++) {
    const length = HALF * lengths[2 * r] + lengths[2 * r + 1];
    const packed = new Float32Array(Math.ceil(length / PACKED));
    if (r === rank)
      own.forEach((byte, i) => (packed[Math.floor(i / PACKED)] += byte * 256 ** (i % PACKED)));
    await communicator.allReduceSum(packed, { what: 'evaluation' });
    all.push(
      Uint8Array.from({ length }, (_, i) => packed[Math.floor(i / PACKED)] / 256 ** (i % PACKED)),
    );
  }
  return all;
}
