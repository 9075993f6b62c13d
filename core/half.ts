/** Floats of 16 and 8 bits: widening is exact, narrowing rounds to nearest, ties to even. */

/** Converts IEEE half precision to float32 exactly, including subnormals, infinities and NaN. */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1024 + fraction) * 2 ** (exponent - 25);
    result[i] = half & 0x8000 ? -magnitude : magnitude;
  }
  return result;
}

/**
 * Converts 8-bit floats of four bits of exponent and three of fraction (E4M3 without infinities, `float8_e4m3fn`) to float32
 * exactly.
 */
export function float8E4M3ToFloat32(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => {
    const exponent = (byte >>> 3) & 15;
    const fraction = byte & 7;
    const magnitude =
      exponent === 15 && fraction === 7
        ? NaN
        : exponent === 0
          ? fraction * 2 ** -9
          : (8 + fraction) * 2 ** (exponent - 10);
    return byte & 0x80 ? -magnitude : magnitude;
  });
}

/** Converts 8-bit floats of five bits of exponent (E5M2) to float32 exactly: they are the upper half of half precision. */
export function float8E5M2ToFloat32(bytes: Uint8Array): Float32Array {
  return float16ToFloat32(Uint16Array.from(bytes, (byte) => byte << 8));
}

/** Converts bfloat16 to float32: bfloat16 is the upper half of its bits. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Converts float32 to half precision; values beyond ±65504 (after rounding) give infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i];
    const sign = (word >>> 16) & 0x8000;
    const exponent = ((word >>> 23) & 255) - 127;
    const fraction = word & 0x7fffff;
    if (exponent === 128) {
      result[i] = sign | 0x7c00 | (fraction ? 0x200 : 0);
    } else if (exponent < -25) {
      result[i] = sign;
    } else {
      // Subnormal halves lose one more bit per step below 2^-14; the carry of rounding may correctly enter the exponent.
      const shift = exponent < -14 ? -1 - exponent : 13;
      const significand = exponent < -14 ? fraction | 0x800000 : fraction;
      const base = exponent < -14 ? 0 : (exponent + 15) << 10;
      const kept = significand >>> shift;
      const rest = significand & ((1 << shift) - 1);
      const halfway = 1 << (shift - 1);
      const up = rest > halfway || (rest === halfway && (kept & 1) === 1) ? 1 : 0;
      result[i] = sign | Math.min(base + kept + up, 0x7c00);
    }
  }
  return result;
}
