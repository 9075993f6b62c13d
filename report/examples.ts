/** An image with the model's score on it. */
export interface Scored<Item> {
  readonly item: Item;
  /** Score, higher is better. */
  readonly score: number;
}

/** Number of pictures of each kind in a report. */
const COUNT = 6;

/** Chooses the best and the worst images, without duplicates; the worst in ascending order of score. */
export function bestAndWorst<Item>(scored: readonly Scored<Item>[]): {
  readonly best: readonly Item[];
  readonly worst: readonly Item[];
} {
  const order = [...scored].sort((a, b) => b.score - a.score).map(({ item }) => item);
  const half = Math.min(COUNT, Math.floor(order.length / 2));
  return {
    best: order.slice(0, Math.max(half, Math.min(1, order.length))),
    worst: half === 0 ? [] : order.slice(-half).reverse(),
  };
}

/** `200 of 5000 validation images`. */
export function scopeOf(used: number, total: number, split: string): string {
  return used === total
    ? `all ${total} ${split} images`
    : `the first ${used} of ${total} ${split} images`;
}
