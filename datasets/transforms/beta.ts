import type { Random } from '../../core/random.js';

/**
 * Draws from Beta(α, β), as the ratio of one gamma variable to the sum of two.
 *
 * @param alpha > 0
 * @param beta > 0
 */
export function drawBeta(random: Random, alpha: number, beta: number): number {
  const [a, b] = [logGamma(random, alpha), logGamma(random, beta)];
  // Computed with logarithms, because for small parameters both variables underflow to 0.
  const largest = Math.max(a, b);
  return Math.exp(a - largest) / (Math.exp(a - largest) + Math.exp(b - largest));
}

/**
 * Draws the logarithm of a Gamma(shape, 1) variable. @see Marsaglia and Tsang, 2000,
 * https://doi.org/10.1145/358407.358414
 */
function logGamma(random: Random, shape: number): number {
  if (shape < 1) return logGamma(random, shape + 1) + Math.log(1 - random.uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = 1 - random.uniform();
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
