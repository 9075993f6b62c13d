/**
 * Chooses the images of a page: those with concerns first, then others evenly spaced over the set.
 *
 * @param urgent indices in order of importance; duplicates count once
 * @returns at most `limit` of the indices 0 … `count − 1`, ascending
 */
export function chooseImages(
  count: number,
  urgent: readonly number[],
  limit: number,
): readonly number[] {
  // Half of the page is for ordinary images, which show the typical content.
  const chosen = new Set(
    [...new Set(urgent)].slice(0, Math.max(Math.ceil(limit / 2), limit - count)),
  );
  const rest = Array.from({ length: count }, (_, i) => i).filter((i) => !chosen.has(i));
  const room = Math.min(limit - chosen.size, rest.length);
  for (let n = 0; n < room; n++) chosen.add(rest[Math.floor(((n + 0.5) * rest.length) / room)]);
  return [...chosen].sort((a, b) => a - b);
}

/**
 * Divides the images of a page among the splits of a set: equally, but unused places of small splits go to the others.
 *
 * @param sizes number of images of each split
 * @returns number of shown images of each split; in total at most `limit`, but at least one per split
 */
export function shareLimit(sizes: readonly number[], limit: number): readonly number[] {
  const limits = sizes.map(() => 1);
  const order = sizes.map((_, split) => split).sort((a, b) => sizes[a] - sizes[b]);
  let left = limit;
  order.forEach((split, at) => {
    const fair = Math.max(1, Math.floor(left / (order.length - at)));
    limits[split] = Math.min(Math.max(1, sizes[split]), fair);
    left -= limits[split];
  });
  return limits;
}
