/** How long ranks spent together, in milliseconds since the start. */
export interface CommunicationTimes {
  /** Until the last rank had arrived. */
  readonly waitMs: number;
  /** Moving and adding numbers. */
  readonly transferMs: number;
}

/** How a collective treats ranks that do not come. */
export interface CollectiveOptions {
  /** What is waited for, for messages: `evaluation`. */
  readonly what?: string;
  /** Warn about ranks that are late, but never give up: where one rank works alone for a time that nobody knows. */
  readonly patient?: boolean;
}

/**
 * The processes that train one model together. Every method is a collective: all ranks call the same ones in the same order.
 */
export interface Communicator {
  /** 0 … size − 1. Rank 0 writes files and talks to people. */
  readonly rank: number;
  readonly size: number;
  readonly times: CommunicationTimes;
  /**
   * Replaces the values by their sum over all ranks, in place. Every rank gets the same bits.
   *
   * @throws WorkError naming the rank that is missing
   */
  allReduceSum(values: Float32Array, options?: CollectiveOptions): Promise<void>;
  /** Replaces the bytes by those of rank 0, in place. @throws WorkError naming the rank that is missing */
  broadcast(values: Float32Array | Uint8Array, options?: CollectiveOptions): Promise<void>;
  /** Resolves when all ranks have called it. @throws WorkError naming the rank that is missing */
  barrier(options?: CollectiveOptions): Promise<void>;
}

/** One process: nothing to exchange. */
export const SINGLE_PROCESS: Communicator = {
  rank: 0,
  size: 1,
  times: { waitMs: 0, transferMs: 0 },
  allReduceSum: () => Promise.resolve(),
  broadcast: () => Promise.resolve(),
  barrier: () => Promise.resolve(),
};
