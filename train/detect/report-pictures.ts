import { basename } from 'node:path';
import type { DetectResult } from '../../core/results.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { matchImages } from '../../evaluation/coco/match-images.js';
import type { CocoDetections, CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { drawnObjects } from '../../report/draw.js';
import type { RunEvaluation } from '../../report/evaluation-document.js';
import { examplePictures, type Scored } from '../../report/examples.js';
import { percentWithSign } from '../../report/format.js';
import { drawDetections } from '../../report/overlay/detections.js';
import { besideEachOther } from '../../report/overlay/panels.js';
import { decodeSample } from '../pipelines/detect.js';
import { drawnGroundTruth, SHOWN_SCORE } from './drawing.js';

/** An image with its detections. */
export interface DetectedImage {
  readonly sample: DetectionSample;
  readonly result: DetectResult;
}

/** Options of matching detections to the ground truth. */
export const AT = { iouType: 'bbox', iouThreshold: 0.5 } as const;

interface ExampleOptions {
  readonly groundTruth: CocoGroundTruth;
  readonly detections: CocoDetections;
  readonly classNames: readonly string[];
  readonly folder: string;
}

/** Draws the images with the best and the worst F1, annotations and detections side by side. */
export function detectionExamples(
  answers: readonly DetectedImage[],
  { groundTruth, detections, classNames, folder }: ExampleOptions,
): Promise<RunEvaluation['pictures']> {
  const scores = new Map<number, number>();
  matchImages(
    groundTruth,
    detections,
    { ...AT, minScore: SHOWN_SCORE },
    ({ imageId, matchOf, gts }) => {
      const right = matchOf.filter((g) => g >= 0).length;
      scores.set(imageId, (2 * right) / Math.max(1, matchOf.length + gts.length));
    },
  );
  const scored = answers
    .filter(({ sample }) => scores.has(sample.imageId))
    .map((answer): Scored<DetectedImage> => ({
      item: answer,
      score: scores.get(answer.sample.imageId) ?? 0,
    }));
  const note = `left the annotations, right the detections from score ${SHOWN_SCORE} on`;
  const layout = { size: 'wide', notes: { Worst: note, Best: note } } as const;
  return examplePictures(folder, scored, layout, async ({ sample, result }) => {
    const image = await decodeSample(sample);
    const sides = [drawnGroundTruth(sample, classNames), drawnObjects(result, SHOWN_SCORE)];
    const [real, shown] = sides.map(({ length }) => length);
    const f1 = percentWithSign(scores.get(sample.imageId) ?? 0);
    return {
      picture: besideEachOther(sides.map((side) => drawDetections(image, side))),
      caption: `${basename(sample.file)}: ${real} annotated (left), ${shown} detected (right); F1 ${f1}`,
    };
  });
}
