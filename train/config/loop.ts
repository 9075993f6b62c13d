import {
  FRACTION,
  FLAG,
  NON_NEGATIVE,
  POSITIVE,
  byKind,
  list,
  literal,
  number,
  orNull,
  record,
  whole,
  type Infer,
} from '../../core/schema.js';

/** Optimizer and its settings. */
const OptimizerConfig = byKind(
  record({ kind: literal('adamw'), betas: list(FRACTION, 2), eps: POSITIVE }),
  record({ kind: literal('sgd'), momentum: FRACTION, nesterov: FLAG }),
);
type OptimizerConfig = Infer<typeof OptimizerConfig>;

/** Decay of the EMA of the parameters, or null. */
export const EMA_DECAY = orNull(number({ above: 0, to: 1 }));

/** Settings of the training loop, common to all tasks. */
export const LoopConfig = record({
  /** Number of images of a micro-batch. */
  batchSize: whole(1),
  /** Number of micro-batches of an update; incomplete updates at the end of an epoch are dropped. */
  accumulation: whole(1),
  optimizer: OptimizerConfig,
  weightDecay: NON_NEGATIVE,
  /** Limit of the global L2 norm of the gradients, or null. */
  clipNorm: orNull(POSITIVE),
  /** Number of steps between log lines. */
  logEvery: whole(1),
  keepCheckpoints: whole(1),
  /** Number of worker threads that decode and transform; 0 uses the main thread. */
  workers: whole(0),
});
export type LoopConfig = Infer<typeof LoopConfig>;
