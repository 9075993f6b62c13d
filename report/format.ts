/** Formats a fraction as a percentage for tables, without the sign; `-` if undefined. */
export function percent(fraction: number, decimals = 1): string {
  return Number.isNaN(fraction) || fraction < 0 ? '-' : (100 * fraction).toFixed(decimals);
}

/** Formats a fraction as a percentage for sentences: `82.1 %`; `–` if undefined. */
export function percentWithSign(fraction: number): string {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(1)} %` : '–';
}

/** Converts a number for JSON: null if not finite. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
