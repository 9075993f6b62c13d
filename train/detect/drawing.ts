import type { DetectResult } from '../../core/results.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { segmentationRuns } from '../../datasets/transforms/mask-grid.js';
import type { DrawnDetection } from '../../report/overlay/detections.js';

/** An image with its detections. */
export interface DetectedImage {
  readonly sample: DetectionSample;
  readonly result: DetectResult;
}

/** Annotated objects of an image, including crowds, for an overlay. @param names by class index */
export function drawnGroundTruth(
  sample: DetectionSample,
  names: readonly string[],
): readonly DrawnDetection[] {
  return [sample.objects, sample.ignored].flatMap(({ boxes, classIndices, segmentations }) =>
    segmentations.map((segmentation, m): DrawnDetection => {
      const mask = segmentationRuns(segmentation, sample);
      return {
        box: boxes.subarray(4 * m, 4 * m + 4),
        classIndex: classIndices[m],
        label: names[classIndices[m]],
        mask,
      };
    }),
  );
}
