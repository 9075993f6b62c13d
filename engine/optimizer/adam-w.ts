import { ConfigError } from '../../core/errors.js';
import type { FlatBuffers } from './flat-buffers.js';
import { assertRuns, type ParameterRun } from './runs.js';

/** Settings of one AdamW update. */
export interface AdamWOptions {
  /** Learning rate before the factors of the parameter runs. */
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Number of this update, from 1; determines the bias corrections. */
  readonly step: number;
  /** Factor applied to the gradients, e.g. by clipping; default 1. */
  readonly gradientScale?: number | undefined;
}

/**
 * Performs one update of every parameter run; weight decay first, `eps` outside the root:
 *
 *     p ← p − lr·decay·p;  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²
 *     p ← p − lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + eps)
 *
 * Gradients must already be averaged over the whole batch of all processes and micro-batches. Parameters outside the runs
 * do not change. Float32 in a fixed order: bit-identical on every machine.
 *
 * @throws ConfigError if the buffers hold fewer than two moments, a run lies outside, or `step` is not a whole number ≥ 1
 * @see Loshchilov & Hutter: https://arxiv.org/abs/1711.05101
 */
export function adamW(
  buffers: FlatBuffers,
  runs: readonly ParameterRun[],
  { lr, betas, eps, step, gradientScale = 1 }: AdamWOptions,
): void {
  const [first, second] = buffers.moments;
  if (!second) {
    throw new ConfigError(`adamW: expected buffers with 2 moments, got ${buffers.moments.length}`);
  }
  if (!Number.isInteger(step) || step < 1) {
    throw new ConfigError(`adamW: expected a step number from 1, got ${step}`);
  }
  assertRuns('adamW', runs, buffers.size);
  // Both corrections as factors of the learning rate and of eps: √(v/c) + eps = (√v + eps·√c) / √c.
  const rootOfCorrection2 = Math.sqrt(1 - betas[1] ** step);
  const correction = rootOfCorrection2 / (1 - betas[0] ** step);
  for (const { offset, size, lrScale, weightDecay } of runs) {
    buffers.kernels.adamW(
      [buffers.parameters, first, second, buffers.gradients],
      { start: offset, count: size },
      {
        scale: gradientScale,
        a1: 1 - betas[0],
        a2: 1 - betas[1],
        decay: lr * lrScale * weightDecay,
        stepSize: lr * lrScale * correction,
        eps: eps * rootOfCorrection2,
      },
    );
  }
}
