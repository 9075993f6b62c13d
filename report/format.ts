/** A share as a percentage with one or more decimals; − where it is undefined. */
export function percent(share: number, decimals = 1): string {
  return Number.isNaN(share) || share < 0 ? '-' : (100 * share).toFixed(decimals);
}

/** A number as JSON has it: what is not finite becomes null. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
