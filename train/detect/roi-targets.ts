import { sum } from '../../core/statistics.js';
import type { Boxes, Size } from '../../core/boxes.js';
import { joined } from '../../core/joined.js';
import { maskTargets } from '../../core/mask-targets.js';
import { roiTargets, type RoiTargets } from '../../core/matcher-roi.js';
import { comparesBoxes } from '../../heads/box/box-losses.js';
import type { BoxStageConfig } from '../../models/detection/config.js';
import type { DetectionInput } from '../pipelines/detect.js';
import type { Draw } from './rpn-targets.js';

/** Sampled RoIs of a batch at one stage: by image, positives before negatives. */
export interface RoiBatch {
  /** Targets of every image. */
  readonly images: readonly RoiTargets[];
  /** R */
  readonly numRois: number;
  /** `[R, 4]` */
  readonly boxes: Boxes;
  /** `int32 [R]` */
  readonly imageIndices: Int32Array;
  /** `int32 [R]`: K for negatives. */
  readonly classIndices: Int32Array;
  /** `int32 [P]`: indices of the positives. */
  readonly positives: Int32Array;
}

/**
 * Matches and samples the RoIs of a batch.
 *
 * @param proposals proposals of every image, `[M, 4]`
 */
export function sampleRois(
  proposals: readonly Boxes[],
  inputs: readonly Pick<DetectionInput, 'objects' | 'ignored'>[],
  stage: BoxStageConfig,
  numClasses: number,
  draw: Draw,
): RoiBatch {
  const images = inputs.map(({ objects, ignored }, n) =>
    roiTargets(
      proposals[n],
      { ...objects, ignored },
      { ...stage, numClasses },
      draw === 'inOrder' ? draw : draw(n),
    ),
  );
  const counts = images.map(({ classIndices }) => classIndices.length);
  const numRois = sum(counts);
  const boxes = new Float32Array(4 * numRois);
  const imageIndices = new Int32Array(numRois);
  const classIndices = new Int32Array(numRois);
  const positives: number[] = [];
  let at = 0;
  images.forEach((targets, n) => {
    boxes.set(targets.boxes, 4 * at);
    imageIndices.fill(n, at, at + counts[n]);
    classIndices.set(targets.classIndices, at);
    for (let p = 0; p < targets.numPositives; p++) positives.push(at + p);
    at += counts[n];
  });
  return {
    images,
    numRois,
    boxes,
    imageIndices,
    classIndices,
    positives: Int32Array.from(positives),
  };
}

/** Inputs of the box head's training program besides the features, padded to a number of rows. */
interface BoxTargets {
  /** `int32 [capacity]`; −1 for padding rows. */
  readonly labels: Int32Array;
  /** `[capacity, 4]`: deltas, or boxes for losses on boxes. */
  readonly targets: Float32Array;
  /** `[capacity]`: 1 for positives. */
  readonly targetWeights: Float32Array;
  /** `[capacity, 4]` */
  readonly references: Float32Array;
}

/** Computes the targets of the box head. */
export function boxTargets(
  { images, boxes, classIndices, positives }: RoiBatch,
  { boxLoss }: BoxStageConfig,
  capacity: number,
): BoxTargets {
  const labels = new Int32Array(capacity).fill(-1);
  labels.set(classIndices);
  const references = new Float32Array(4 * capacity);
  references.set(boxes);
  const targets = new Float32Array(4 * capacity);
  const targetWeights = new Float32Array(capacity);
  let p = 0;
  for (const { deltas, groundTruthBoxes, numPositives } of images) {
    const source = comparesBoxes(boxLoss) ? groundTruthBoxes : deltas;
    for (let i = 0; i < numPositives; i++, p++) {
      targets.set(source.subarray(4 * i, 4 * i + 4), 4 * positives[p]);
      targetWeights[positives[p]] = 1;
    }
  }
  return { labels, targets, targetWeights, references };
}

/**
 * Computes the targets of the mask head for all positives.
 *
 * @param canvas size of the network's input with padding
 * @returns `uint8 [P, S, S]`, 0 or 1
 */
export function positiveMasks(
  { images }: RoiBatch,
  inputs: readonly Pick<DetectionInput, 'objects' | 'grid'>[],
  { maskSize, canvas }: { readonly maskSize: number; readonly canvas: Size },
): Uint8Array {
  const parts = images.map(({ boxes, numPositives, groundTruthIndices }, n) => {
    const { objects, grid } = inputs[n];
    const positives = boxes.subarray(0, 4 * numPositives);
    return maskTargets(positives, groundTruthIndices, objects.segmentations, {
      maskSize,
      canvas,
      grid,
    });
  });
  return joined(parts, Uint8Array);
}
