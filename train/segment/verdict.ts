import { sum, matrixRows } from '../../core/statistics.js';
import type { SemanticResult } from '../../evaluation/semantic/evaluator.js';
import { percentWithSign } from '../../report/format.js';
import { scoreVerdict } from '../../report/verdict.js';

type Scores = Pick<SemanticResult, 'mIoU' | 'confusion'> & {
  readonly perClass: readonly { readonly IoU: number }[];
};

/**
 * Verdict on a segmenter in one sentence: the class of the lowest IoU, and for which class its pixels are taken.
 *
 * @param scope description of the images
 */
export function segmenterVerdict(
  { mIoU, perClass, confusion }: Scores,
  names: readonly string[],
  scope: string,
): string {
  if (!Number.isFinite(mIoU)) return `no score: no pixel has a label in ${scope}`;
  const score = `Mean IoU ${percentWithSign(mIoU)}`;
  if (mIoU === 1) {
    const advice = 'try it on images of other places and times';
    return scoreVerdict({ score, scope, loss: 'no mistake', advice });
  }
  const rows = matrixRows(confusion, names.length);
  const totals = rows.map(sum);
  const total = sum(totals);
  const right = sum(rows.map((row, k) => row[k]));
  const most = Math.max(...totals);
  if (right <= most && totals.filter((count) => count > 0).length > 1)
    return scoreVerdict({
      score,
      scope,
      loss: `no more pixels are right than with ${names[totals.indexOf(most)]} everywhere (${percentWithSign(most / total)})`,
      advice: 'train longer, from pretrained weights, and look at the labels with data browse',
    });
  const weakest = perClass.reduce(
    (low, { IoU }, k) => (totals[k] > 0 && !(IoU >= perClass[low]?.IoU) ? k : low),
    -1,
  );
  const other = [...rows[weakest].keys()]
    .filter((k) => k !== weakest)
    .reduce((a, b) => (rows[weakest][b] > rows[weakest][a] ? b : a));
  const confused = rows[weakest][other] / totals[weakest];
  const taken =
    confused > 0 ? `, ${percentWithSign(confused)} of it taken for ${names[other]}` : '';
  return scoreVerdict({
    score,
    scope,
    loss: `the weakest class is ${names[weakest]} (IoU ${percentWithSign(perClass[weakest].IoU)}${taken})`,
    advice: 'look at the worst images for wrong labels, then add images with this class',
  });
}
