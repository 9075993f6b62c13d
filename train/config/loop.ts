import * as t from '../../core/schema.js';

/** Optimizer and its settings. */
const OptimizerConfig = t.byKind(
  t.record({ kind: t.literal('adamw'), betas: t.list(t.FRACTION, 2), eps: t.POSITIVE }),
  t.record({ kind: t.literal('sgd'), momentum: t.FRACTION, nesterov: t.FLAG }),
);
type OptimizerConfig = t.Infer<typeof OptimizerConfig>;

/** Decay of the EMA of the parameters, or null. */
export const EMA_DECAY = t.orNull(t.number({ above: 0, to: 1 }));

/** Settings of the training loop, common to all tasks. */
export const LoopConfig = t.record({
  /** Number of images of a micro-batch. */
  batchSize: t.whole(1),
  /** Number of micro-batches of an update; incomplete updates at the end of an epoch are dropped. */
  accumulation: t.whole(1),
  optimizer: OptimizerConfig,
  weightDecay: t.NON_NEGATIVE,
  /** Limit of the global L2 norm of the gradients, or null. */
  clipNorm: t.orNull(t.POSITIVE),
  /** Number of steps between log lines. */
  logEvery: t.whole(1),
  keepCheckpoints: t.whole(1),
  /** Number of worker threads that decode and transform; 0 uses the main thread. */
  workers: t.whole(0),
});
export type LoopConfig = t.Infer<typeof LoopConfig>;
