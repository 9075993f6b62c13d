/**
 * Chooses which images a page shows: first those with concerns, then the others evenly over the set.
 *
 * @param urgent indices in order of importance; those that appear twice count once
 * @returns at most `limit` of the indices 0 … `count − 1`, ascending
 */
export function chooseImages(
  count: number,
  urgent: readonly number[],
  limit: number,
): readonly number[] {
  // Half of the page stays for the ordinary images: they show what the set is like.
  const chosen = new Set(
    [...new Set(urgent)].slice(0, Math.max(Math.ceil(limit / 2), limit - count)),
  );
  const rest = Array.from({ length: count }, (_, i) => i).filter((i) => !chosen.has(i));
  const room = Math.min(limit - chosen.size, rest.length);
  for (let n = 0; n < room; n++) chosen.add(rest[Math.floor(((n + 0.5) * rest.length) / room)]);
  return [...chosen].sort((a, b) => a - b);
}

/**
 * Divides the images of a page among the parts of a set: equally, but what a small part leaves over goes to the others.
 *
 * @param sizes images of each part
 * @returns how many of each are shown, in all at most `limit`, but at least one of each part
 */
export function shareLimit(sizes: readonly number[], limit: number): readonly number[] {
  const shares = sizes.map(() => 1);
  const order = sizes.map((_, part) => part).sort((a, b) => sizes[a] - sizes[b]);
  let left = limit;
  order.forEach((part, at) => {
    const fair = Math.max(1, Math.floor(left / (order.length - at)));
    shares[part] = Math.min(Math.max(1, sizes[part]), fair);
    left -= shares[part];
  });
  return shares;
}
