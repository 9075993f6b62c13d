/**
 * Precision against recall of a score that should be high for positives.
 *
 * @param scores `[N]`
 * @param isPositive `[N]`
 * @returns recall and precision after each different score, from the highest on; nothing without positives
 */
export function precisionRecall(
  scores: readonly number[],
  isPositive: readonly boolean[],
): readonly (readonly [recall: number, precision: number])[] {
  const total = isPositive.filter(Boolean).length;
  if (total === 0) return [];
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const points: (readonly [number, number])[] = [];
  let truePositives = 0;
  order.forEach((i, rank) => {
    if (isPositive[i]) truePositives++;
    const isLast = rank === order.length - 1 || scores[order[rank + 1]] !== scores[i];
    if (isLast) points.push([truePositives / total, truePositives / (rank + 1)]);
  });
  return points;
}
