import * as t from '../../core/schema.js';

/** Training of a detector's backbone as a classifier of cut-out objects and background, before the first step. */
export const ObjectPretraining = t.record({
  /** Largest number of steps; short runs have fewer. */
  steps: t.whole(1),
  /** Number of cutouts of a step. */
  batchSize: t.whole(2),
  /** Side of a cutout in pixels. */
  size: t.whole(32, 512),
  /** Peak learning rate. */
  lr: t.NON_NEGATIVE,
});
export type ObjectPretraining = t.Infer<typeof ObjectPretraining>;

/** Settings of detectors from scratch on people's own data (docs/little-data.md). */
export const OBJECT_PRETRAINING = {
  steps: 600,
  batchSize: 32,
  size: 64,
  lr: 2e-3,
} as const satisfies ObjectPretraining;

/** The same for small objects, whose cutouts are no larger than they are: twice as many in a step, for half the time. */
export const SMALL_OBJECT_PRETRAINING = {
  steps: 600,
  batchSize: 64,
  size: 32,
  lr: 2e-3,
} as const satisfies ObjectPretraining;
