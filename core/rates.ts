/** Rates that depend on depth: drop path grows linearly, the learning rate decays geometrically. */

/**
 * Computes `count` evenly spaced rates from 0 to `rate`: block `i` drops its path with probability
 * `rate · i / (count − 1)`. A single block gets 0.
 *
 * @see ConvNeXt V2: https://github.com/facebookresearch/ConvNeXt-V2 (`models/convnextv2.py`)
 */
export function linearRates(rate: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? 0 : (rate * i) / (count - 1)));
}

/**
 * Computes the factors `rate^(count − 1), …, rate, 1`, each correctly rounded to a double. JavaScript's `**` is off
 * by one unit in the last place for some (0.9 ** 4); the libm of the original code is not.
 *
 * @param rate above 0
 */
export function geometricRates(rate: number, count: number): readonly number[] {
  // rate = odd / 2^shift
  let odd = rate;
  let shift = 0;
  for (; !Number.isInteger(odd); shift++) odd *= 2;
  for (; odd % 2 === 0; shift--) odd /= 2;
  return Array.from({ length: count }, (_, i) => {
    const exponent = count - 1 - i;
    const power = BigInt(odd) ** BigInt(exponent);
    // Below the leading 61 to 64 bits it matters only that the rest is non-zero, which holds for any odd number.
    const dropped = Math.max(0, 4 * (power.toString(16).length - 16));
    const leading = dropped > 0 ? (power >> BigInt(dropped)) | 1n : power;
    return Number(leading) * 2 ** (dropped - shift * exponent);
  });
}
