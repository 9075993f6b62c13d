/** Rates that change with depth: drop path grows linearly, the learning rate shrinks geometrically. */

/**
 * `count` rates from 0 to `rate`, evenly spaced: block `i` of `count` drops its path with `rate · i / (count − 1)`. A
 * single block gets 0.
 *
 * @see ConvNeXt V2: https://github.com/facebookresearch/ConvNeXt-V2 (`models/convnextv2.py`)
 */
export function linearRates(rate: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? 0 : (rate * i) / (count - 1)));
}

/**
 * `count` factors `rate^(count − 1), …, rate, 1`, each the double that is nearest to the power of the double
 * `rate`. `**` is off by one unit in the last place for some (0.9 ** 4), and the originals' libm is not.
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
    // All but the leading 61 to 64 bits only matter for being non-zero, as an odd number's are.
    const dropped = Math.max(0, 4 * (power.toString(16).length - 16));
    const leading = dropped > 0 ? (power >> BigInt(dropped)) | 1n : power;
    return Number(leading) * 2 ** (dropped - shift * exponent);
  });
}
