/** The update rule. */
export type OptimizerConfig =
  | { readonly kind: 'adamw'; readonly betas: readonly [number, number]; readonly eps: number }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean };

/** Settings of the training loop, the same in all tasks. */
export interface LoopConfig {
  /** Images of a micro-batch. */
  readonly batchSize: number;
  /** Micro-batches of an update; what is left at the end of an epoch is dropped. */
  readonly accumulation: number;
  readonly optimizer: OptimizerConfig;
  readonly weightDecay: number;
  /** Limit of the gradients' global L2 norm, or none. */
  readonly clipNorm: number | null;
  /** Steps between log lines. */
  readonly logEvery: number;
  readonly keepCheckpoints: number;
  /** Worker threads that decode and transform; 0 uses the main thread. */
  readonly workers: number;
}
