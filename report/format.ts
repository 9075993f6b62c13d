/** A fraction as a percentage for tables, without the sign; `-` where it is undefined. */
export function percent(fraction: number, decimals = 1): string {
  return Number.isNaN(fraction) || fraction < 0 ? '-' : (100 * fraction).toFixed(decimals);
}

/** A fraction as a percentage for sentences: `82.1 %`; `–` where it is undefined. */
export function percentWithSign(fraction: number): string {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(1)} %` : '–';
}

/** A number as JSON has it: what is not finite becomes null. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
