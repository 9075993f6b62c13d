import { expect } from 'vitest';
import { Random } from '../../core/random.js';

/** A scalar function at a point, and the gradient that is claimed for it there. */
export interface GradientClaim {
  readonly name: string;
  /** Evaluates in float32, sums up in float64. Called with float32 arrays of the length of `at`. */
  readonly loss: (x: Float32Array) => number;
  readonly at: Float32Array;
  readonly gradient: ArrayLike<number>;
  /** Largest change of an element that leaves the function smooth: keep it below the distance to a kink. */
  readonly reach?: number;
  readonly seed?: number;
}

/** Coordinates that are tried one by one, beside the random directions. */
const COORDINATES = 4;
const DIRECTIONS = 2;

/**
 * Compares a gradient with central differences along two random directions and a few coordinates.
 *
 * Float32 functions are differentiated as carefully as that allows:
 * - the step is large (1/32) and Richardson's extrapolation removes its square: with the differences at h and h / 2
 *   the error is of order h⁴ f⁗′ ≈ 1e-6, while rounding costs 2⁻²⁴ |f| / h ≈ 2e-6;
 * - the point that was really visited is used: x ± h is rounded to float32, and the gradient is multiplied by
 *   the rounded difference;
 * - the values are summed in float64 by the caller.
 *
 * Both errors are relative to the size of the derivative for functions of ordinary scale, so 1e-3 of it is
 * several hundred times the expected error and still ten times below a mistake of one percent. The absolute part
 * (1e-4) covers gradients that are zero while the function is not.
 */
export function expectGradientOf(claim: GradientClaim): void {
  const { name, at, gradient } = claim;
  expect(gradient.length, `${name}: size of the gradient`).toBe(at.length);
  const random = new Random(claim.seed ?? 1);
  const norm = Math.hypot(...Array.from(gradient));
  for (let d = 0; d < DIRECTIONS; d++) {
    const direction = Float32Array.from(at, () => random.between(-1, 1));
    expectDerivative(`${name}, direction ${d}`, claim, direction, norm);
  }
  for (let c = 0; c < Math.min(COORDINATES, at.length); c++) {
    const index = at.length <= COORDINATES ? c : random.integer(at.length);
    const direction = new Float32Array(at.length);
    direction[index] = 1;
    expectDerivative(`${name}[${index}]`, claim, direction, Math.abs(gradient[index]));
  }
}

function expectDerivative(
  name: string,
  { loss, at, gradient, reach = 1 / 32 }: GradientClaim,
  direction: Float32Array,
  scale: number,
): void {
  /** Numeric minus claimed derivative, for the step that was really made. */
  const mismatch = (h: number): number => {
    const above = at.map((x, i) => x + h * direction[i]);
    const below = at.map((x, i) => x - h * direction[i]);
    let claimed = 0;
    for (let i = 0; i < at.length; i++) claimed += gradient[i] * (above[i] - below[i]);
    return (loss(above) - loss(below) - claimed) / (2 * h);
  };
  // A linear combination: extrapolating the mismatch is extrapolating the difference quotient.
  const error = Math.abs((4 * mismatch(reach / 2) - mismatch(reach)) / 3);
  const tolerance = 1e-3 * scale + 1e-4;
  expect(error, `${name}: |finite difference − gradient|`).toBeLessThanOrEqual(tolerance);
}
