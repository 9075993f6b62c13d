/**
 * Chooses items spread evenly over a list, in its order.
 *
 * @param limit largest number of items; undefined: all
 */
export function evenly<Item>(items: readonly Item[], limit: number | undefined): readonly Item[] {
  if (limit === undefined || items.length <= limit) return items;
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]);
}
