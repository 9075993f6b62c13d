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

/** The update rule. */
export const OptimizerConfig = byKind(
  record({ kind: literal('adamw'), betas: list(FRACTION, 2), eps: POSITIVE }),
  record({ kind: literal('sgd'), momentum: FRACTION, nesterov: FLAG }),
);
export type OptimizerConfig = Infer<typeof OptimizerConfig>;

/** Decay of the moving average of the parameters, or none. */
export const EMA_DECAY = orNull(number({ above: 0, to: 1 }));

/** Settings of the training loop, the same in all tasks. */
export const LoopConfig = record({
  /** Images of a micro-batch. */
  batchSize: whole(1),
  /** Micro-batches of an update; what is left at the end of an epoch is dropped. */
  accumulation: whole(1),
  optimizer: OptimizerConfig,
  weightDecay: NON_NEGATIVE,
  /** Limit of the gradients' global L2 norm, or none. */
  clipNorm: orNull(POSITIVE),
  /** Steps between log lines. */
  logEvery: whole(1),
  keepCheckpoints: whole(1),
  /** Worker threads that decode and transform; 0 uses the main thread. */
  workers: whole(0),
});
export type LoopConfig = Infer<typeof LoopConfig>;
