import { sum } from '../../core/statistics.js';
import { percentWithSign } from '../../report/format.js';
import { scoreVerdict } from '../../report/verdict.js';

/** Smallest accuracy of a classifier that has learned; below, single mistakes say little. */
const LEARNED = 0.05;
const TRAIN = 'train longer, from pretrained weights, and look at the images with data browse';

/**
 * Verdict on a classifier in one sentence.
 *
 * @param counts `[K][K]` images by true and predicted class
 * @param scope description of the images
 */
export function classifierVerdict(
  counts: readonly (readonly number[])[],
  names: readonly string[],
  scope: string,
): string {
  const totals = counts.map(sum);
  const total = sum(totals);
  if (total === 0) return 'no score: no image has a known class';
  const right = sum(counts.map((row, k) => row[k]));
  const score = `Top-1 accuracy ${percentWithSign(right / total)}`;
  if (right === total) {
    const advice = 'try it on images of other places and times';
    return scoreVerdict({ score, scope, loss: 'no mistake', advice });
  }
  const most = Math.max(...totals);
  const commonest = names[totals.indexOf(most)];
  if (right <= most && totals.filter((count) => count > 0).length > 1)
    return scoreVerdict({
      score,
      scope,
      loss: `no better than the answer ${commonest} for every image (${percentWithSign(most / total)})`,
      advice: TRAIN,
    });
  if (right < LEARNED * total)
    return scoreVerdict({ score, scope, loss: 'it has learned little yet', advice: TRAIN });
  const pairs = counts.flatMap((row, real) =>
    row.map((count, shown) => ({ real, shown, count: real === shown ? 0 : count })),
  );
  const { real, shown, count } = pairs.reduce((a, b) => (b.count > a.count ? b : a));
  if (count === 1 && total - right > 1)
    return scoreVerdict({
      score,
      scope,
      loss: `no two of the ${total - right} mistakes are alike`,
      advice:
        'look at the worst images for wrong labels, then add images of the classes with the lowest recall',
    });
  return scoreVerdict({
    score,
    scope,
    loss: `most often ${names[real]} is taken for ${names[shown]} (${count} of ${total - right} mistakes)`,
    advice: 'look at the worst images for wrong labels, then add images that tell the two apart',
  });
}
