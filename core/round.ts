/** Rounds to the nearest whole number, ties to even, as Python and IEEE 754 do. @param x at least 0 */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
