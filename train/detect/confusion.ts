import { matrixRows } from '../../core/statistics.js';
import { detectionConfusion } from '../../evaluation/coco/detection-confusion.js';
import type { CocoDetections, CocoGroundTruth } from '../../evaluation/coco/objects.js';
import type { ShownScores } from '../../inference/detect/shown-scores.js';
import type { RunEvaluation } from '../../report/evaluation-document.js';
import { AT } from './report-pictures.js';

/**
 * Creates the confusion matrix of a report.
 *
 * @param detections what `predict` shows
 * @param names by category id
 */
export function confusionSection(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  names: ReadonlyMap<number, string>,
  { score, byClass = [] }: ShownScores,
): RunEvaluation['confusion'][number] {
  const { categoryIds, counts } = detectionConfusion(groundTruth, detections, AT);
  const own = byClass.some((value) => value !== score) ? ' or that of the class' : '';
  const labels = categoryIds.map((id) => names.get(id) ?? String(id));
  return {
    title: 'Confusion matrix',
    note: `boxes that predict shows, from score ${score}${own} on, that overlap by IoU 0.5 or more; in the last row detections of nothing, in the last column objects that were missed`,
    rowTitle: 'true category',
    columnTitle: 'detected category',
    rows: [...labels, 'nothing'],
    columns: [...labels, 'missed'],
    counts: matrixRows(counts, categoryIds.length + 1),
  };
}
