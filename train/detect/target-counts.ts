import type { TargetCounts } from '../data-facts.js';
import type { DetectionStepResult } from './step.js';

/** Counts the sampled anchors and the RoIs of the first stage of a step. @param numClasses K, the index of background */
export function detectionTargets(
  { anchors, rois }: Pick<DetectionStepResult, 'anchors' | 'rois'>,
  numClasses: number,
): readonly TargetCounts[] {
  const counts = new Array<number>(numClasses + 1).fill(0);
  for (const k of rois.stages[0].rois.classIndices) counts[k]++;
  const { positives, negatives } = anchors;
  return [
    { loss: 'loss_rpn_cls', of: 'anchors', counts: [positives, negatives], background: 1 },
    {
      loss: rois.stages.length === 1 ? 'loss_cls' : 's0.loss_cls',
      of: 'RoIs',
      counts,
      background: numClasses,
    },
  ];
}
