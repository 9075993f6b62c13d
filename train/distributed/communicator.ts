import * as rule from '../../core/options.js';

/** Time spent in collectives, in milliseconds since the start. */
export interface CommunicationTimes {
  /** Waiting for the last rank. */
  readonly waitMs: number;
  /** Transferring and summing. */
  readonly transferMs: number;
}

/** Handling of missing ranks in a collective. */
export interface CollectiveOptions {
  /** Purpose of the wait, for messages: `evaluation`. */
  readonly what?: string | undefined;
  /** Whether to warn about late ranks but never give up, for work of unknown duration on one rank. */
  readonly patient?: boolean | undefined;
}

/**
 * Communicator of the processes that train one model. Every method is a collective: all ranks must call the same ones in
 * the same order.
 */
export interface Communicator {
  /** 0 … size − 1. Rank 0 writes files and prints. */
  readonly rank: number;
  readonly size: number;
  readonly times: CommunicationTimes;
  /**
   * Replaces the values with their sum over all ranks, in place. The result is bit-identical on every rank.
   *
   * @throws WorkError naming the rank that is missing
   */
  allReduceSum(values: Float32Array, options?: CollectiveOptions): Promise<void>;
  /** Replaces the bytes with those of rank 0, in place. @throws WorkError naming the rank that is missing */
  broadcast(values: Float32Array | Uint8Array, options?: CollectiveOptions): Promise<void>;
  /** The bytes of every rank, by rank. @throws WorkError naming the rank that is missing */
  gather(bytes: Uint8Array, options?: CollectiveOptions): Promise<readonly Uint8Array[]>;
  /** Resolves when all ranks have called it. @throws WorkError naming the rank that is missing */
  barrier(options?: CollectiveOptions): Promise<void>;
}

/** Rule of options that are a {@link Communicator}. */
export const A_COMMUNICATOR = rule.ruled('a communicator', (value) => {
  const { rank, size, barrier } = Object(value) as Partial<Communicator>;
  return Number.isInteger(rank) && Number.isInteger(size) && typeof barrier === 'function';
});

/** Communicator of a single process. */
export const SINGLE_PROCESS: Communicator = {
  rank: 0,
  size: 1,
  times: { waitMs: 0, transferMs: 0 },
  allReduceSum: () => Promise.resolve(),
  broadcast: () => Promise.resolve(),
  gather: (bytes) => Promise.resolve([bytes]),
  barrier: () => Promise.resolve(),
};
