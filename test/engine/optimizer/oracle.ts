import type { AdamWOptions } from '../../../engine/optimizer/adam-w.js';
import type { ParameterRun } from '../../../engine/optimizer/runs.js';
import type { SgdOptions } from '../../../engine/optimizer/sgd.js';

const f = Math.fround;

/** Plain arrays of a run. */
export interface Arrays {
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly moments: readonly Float32Array[];
}

/** AdamW element by element, every operation rounded to float32: the kernel must give the same bits. */
export function adamWInFloat32(
  { parameters: p, gradients, moments: [m, v] }: Arrays,
  runs: readonly ParameterRun[],
  { lr, betas, eps, step, gradientScale = 1 }: AdamWOptions,
): void {
  const root = Math.sqrt(1 - betas[1] ** step);
  const [a1, a2, scale] = [f(1 - betas[0]), f(1 - betas[1]), f(gradientScale)];
  for (const { offset, size, lrScale, weightDecay } of runs) {
    const decay = f(lr * lrScale * weightDecay);
    const stepSize = f((lr * lrScale * root) / (1 - betas[0] ** step));
    for (let i = offset; i < offset + size; i++) {
      const g = f(scale * gradients[i]);
      m[i] = f(m[i] + f(a1 * f(g - m[i])));
      v[i] = f(v[i] + f(a2 * f(f(g * g) - v[i])));
      const change = f(f(stepSize * m[i]) / f(f(Math.sqrt(v[i])) + f(eps * root)));
      p[i] = f(p[i] - f(f(decay * p[i]) + change));
    }
  }
}

/** AdamW as the paper writes it, in float64. */
export function adamWInFloat64(
  { p, m, v }: { p: number; m: number; v: number },
  g: number,
  run: Pick<ParameterRun, 'lrScale' | 'weightDecay'>,
  { lr, betas: [b1, b2], eps, step }: AdamWOptions,
): { p: number; m: number; v: number } {
  const rate = lr * run.lrScale;
  const decayed = p - rate * run.weightDecay * p;
  const m1 = b1 * m + (1 - b1) * g;
  const v1 = b2 * v + (1 - b2) * g * g;
  const step1 = m1 / (1 - b1 ** step) / (Math.sqrt(v1 / (1 - b2 ** step)) + eps);
  return { p: decayed - rate * step1, m: m1, v: v1 };
}

/** SGD element by element, every operation rounded to float32. */
export function sgdInFloat32(
  { parameters: p, gradients, moments: [m] }: Arrays,
  runs: readonly ParameterRun[],
  { lr, momentum, nesterov, gradientScale = 1 }: SgdOptions,
): void {
  for (const { offset, size, lrScale, weightDecay } of runs) {
    const rate = lr * lrScale;
    const ofGradient = f(nesterov ? rate : 0);
    const ofMomentum = f(nesterov ? rate * momentum : rate);
    for (let i = offset; i < offset + size; i++) {
      const g = f(f(f(gradientScale) * gradients[i]) + f(f(weightDecay) * p[i]));
      m[i] = f(f(f(momentum) * m[i]) + g);
      p[i] = f(p[i] - f(f(ofGradient * g) + f(ofMomentum * m[i])));
    }
  }
}
