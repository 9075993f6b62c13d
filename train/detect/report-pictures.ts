import { basename } from 'node:path';
import { suppressAcrossClasses } from '../../core/nms-across-classes.js';
import { matchImages } from '../../evaluation/coco/match-images.js';
import type { CocoGroundTruth } from '../../evaluation/coco/objects.js';
import {
  ACROSS_CLASSES_IOU,
  shownObjects,
  type ShownScores,
} from '../../inference/detect/shown-scores.js';
import { drawnObjects } from '../../report/draw.js';
import type { RunEvaluation } from '../../report/evaluation-document.js';
import { examplePictures, type Scored } from '../../report/examples.js';
import { percentWithSign } from '../../report/format.js';
import { drawDetections } from '../../report/overlay/detections.js';
import { besideEachOther } from '../../report/overlay/panels.js';
import { decodeSample } from '../pipelines/detect.js';
import { drawnGroundTruth, type DetectedImage } from './drawing.js';
import { boxDetections } from './error-costs.js';

/** Options of matching detections to the ground truth. */
export const AT = { iouType: 'bbox', iouThreshold: 0.5 } as const;

interface ExampleOptions {
  readonly groundTruth: CocoGroundTruth;
  readonly classNames: readonly string[];
  readonly categoryIds: readonly number[];
  readonly shown: ShownScores;
  readonly folder: string;
}

/** Selects the objects that `predict` shows, of all that the protocol of COCO counts. */
export function asPredicted({ sample, result }: DetectedImage, shown: ShownScores): DetectedImage {
  const { objects } = result;
  const boxes = objects.flatMap(({ box: [x, y, width, height] }) => [x, y, x + width, y + height]);
  const ranked = {
    boxes: Float32Array.from(boxes),
    classIndices: Int32Array.from(objects, ({ classIndex }) => classIndex),
  };
  const distinct = Array.from(
    suppressAcrossClasses(ranked, ACROSS_CLASSES_IOU),
    (row) => objects[row],
  );
  return { sample, result: { ...result, objects: shownObjects(distinct, shown) } };
}

/**
 * Draws the images with the best and the worst F1, annotations and detections side by side.
 *
 * @param answers what `predict` shows
 */
export function detectionExamples(
  answers: readonly DetectedImage[],
  { groundTruth, classNames, categoryIds, shown, folder }: ExampleOptions,
): Promise<RunEvaluation['pictures']> {
  const scores = new Map<number, number>();
  matchImages(
    groundTruth,
    boxDetections(answers, categoryIds),
    { ...AT, minScore: 0 },
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
  const { score, byClass } = shown;
  const own = byClass?.some((value) => value !== score) ? ', or that of their category,' : '';
  const note = `left the annotations, right the detections that predict shows: from score ${score}${own} on`;
  const layout = { size: 'wide', notes: { Worst: note, Best: note } } as const;
  return examplePictures(folder, scored, layout, async ({ sample, result }) => {
    const image = await decodeSample(sample);
    const sides = [drawnGroundTruth(sample, classNames), drawnObjects(result)];
    const [real, found] = sides.map(({ length }) => length);
    const f1 = percentWithSign(scores.get(sample.imageId) ?? 0);
    return {
      picture: besideEachOther(sides.map((side) => drawDetections(image, side))),
      caption: `${basename(sample.file)}: ${real} annotated (left), ${found} detected (right); F1 ${f1}`,
    };
  });
}
