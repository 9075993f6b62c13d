import { ConfigError } from '../../core/errors.js';
import type { FlatBuffers } from './flat-buffers.js';
import { assertRuns, type ParameterRun } from './runs.js';

/** Settings of one SGD update. */
export interface SgdOptions {
  /** Learning rate before the factors of the parameter runs. */
  readonly lr: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Factor applied to the gradients, e.g. by clipping; default 1. */
  readonly gradientScale?: number | undefined;
}

/**
 * Performs one update of every parameter run. Weight decay is added to the gradient (L2, not decoupled); no dampening:
 *
 *     g ← g + decay·p;  m ← momentum·m + g;  p ← p − lr·m   (Nesterov: p − lr·(g + momentum·m))
 *
 * Gradients must already be averaged. Parameters outside the runs do not change.
 *
 * @throws ConfigError if the buffers hold no moment or a run lies outside
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export function sgd(
  buffers: FlatBuffers,
  runs: readonly ParameterRun[],
  { lr, momentum, nesterov, gradientScale = 1 }: SgdOptions,
): void {
  const [velocity] = buffers.moments;
  if (!velocity) throw new ConfigError('sgd: expected buffers with 1 moment, got 0');
  assertRuns('sgd', runs, buffers.size);
  for (const { offset, size, lrScale, weightDecay } of runs) {
    const rate = lr * lrScale;
    buffers.kernels.sgd(
      [buffers.parameters, velocity, buffers.gradients],
      { start: offset, count: size },
      {
        scale: gradientScale,
        momentum,
        decay: weightDecay,
        ofGradient: nesterov ? rate : 0,
        ofMomentum: nesterov ? rate * momentum : rate,
      },
    );
  }
}
