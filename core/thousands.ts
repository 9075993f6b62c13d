/** Formats a whole number with commas between thousands, `12,400`: without `Intl`, which costs a process 20 ms once. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
