import type { TargetCounts } from '../data-facts.js';
import type { Scalars } from '../trainer.js';
import type { PlannedLength } from './pace.js';

/** Receiver of what a run plans and does. */
export interface RunObserver {
  /** Called before the first step, when the run is laid out for a time, and when the time of a step is known. */
  planned?(length: PlannedLength): void;
  /** Called after every step. @param totalSteps infinite until the run is laid out */
  stepped?(
    step: number,
    losses: Scalars,
    totalSteps: number,
    targets?: readonly TargetCounts[],
  ): void;
}
