import { quote } from '../../core/errors.js';
import { annotationPlace } from '../../io/coco/annotations.js';
import type { CocoAnnotations } from '../../io/coco/annotation-columns.js';
import { reportAlike } from '../alike-classes.js';
import { LeftOutCounter, type PartPurpose, type PartUse, type TrainingNeeds } from '../part-use.js';
import type { ProblemLog } from '../problems.js';
import { keepRatioSize } from '../transforms/keep-ratio.js';
import { reportUnits } from './box-units.js';
import { annotationProblem, COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { MIN_IMAGE_SIDE_PX, reasonToSkip } from './training-rules.js';
import type { CocoSet } from './set.js';

/** Mean side of objects in pixels of the model input below which they are hardly learned. */
const MIN_MEAN_SIDE_PX = 8;

/** Use of a detection set. */
export interface CocoUse extends PartUse {
  /** `[K]`, numbers of used objects by class. */
  readonly perClass: Float64Array;
  /** Whether used objects have masks. */
  readonly hasMasks: boolean;
}

/** Whether an annotation has a mask, also if masks were not kept. @param row of the annotations */
export function hasMask(
  { maskExtents, maskSizes }: Pick<CocoAnnotations, 'maskExtents' | 'maskSizes'>,
  row: number,
): boolean {
  return !Number.isNaN(maskExtents[4 * row]) || maskSizes[2 * row] > 0;
}

/**
 * Decides which images and objects of a valid set are used, and reports sets that a model cannot learn from or be scored
 * on.
 *
 * @param purpose evaluation also uses small images and objects that training skips
 */
export function inspectCocoSet(
  set: CocoSet,
  { purpose, needs }: { readonly purpose: PartPurpose; readonly needs: TrainingNeeds },
  log: ProblemLog,
): CocoUse {
  const { images, annotations, classes, classIndices, starts, order } = set;
  const isTraining = purpose === 'training';
  const leftOut = new LeftOutCounter();
  const perClass = new Float64Array(classes.names.length); // [K]
  const annotated = new Float64Array(classes.names.length); // [K]
  const masked = { with: 0, without: 0, first: -1, firstImage: -1 };
  const sides = { sum: 0, count: 0 };
  let numImages = 0;
  for (let i = 0; i < images.ids.length; i++) {
    const size = { width: images.widths[i], height: images.heights[i] };
    const isSmall = isTraining && Math.min(size.width, size.height) < MIN_IMAGE_SIDE_PX;
    const scale = needs.limits && keepRatioSize(size, needs.limits).width / size.width;
    let numHere = 0;
    for (let at = starts[i]; at < starts[i + 1]; at++) {
      const a = order[at];
      const k = classIndices[a];
      if (k < 0) continue;
      numHere++;
      annotated[k]++;
      const skip = isSmall ? PROBLEMS.imageSmall : reasonToSkip(set, a, i);
      // The COCO evaluation counts objects that training skips, but not crowds.
      const isUsed = skip === undefined || (!isTraining && skip !== PROBLEMS.crowd);
      if (isUsed) perClass[k]++;
      else leftOut.add('objects', skip, annotations.ids[a]);
      if (skip !== undefined) continue;
      if (hasMask(annotations, a)) masked.with++;
      else if (masked.without++ === 0) [masked.first, masked.firstImage] = [a, i];
      sides.sum +=
        Math.sqrt(annotations.boxes[4 * a + 2] * annotations.boxes[4 * a + 3]) * (scale ?? 1);
      sides.count++;
    }
    const reason = isSmall
      ? PROBLEMS.imageSmall
      : numHere === 0 && isTraining && !needs.keepEmpty
        ? PROBLEMS.imageEmpty
        : undefined;
    if (reason) leftOut.add('images', reason, images.ids[i]);
    else numImages++;
  }
  if (isTraining) reportAlike(classes.names, perClass, set.file, log);
  reportUnits(set, log);
  reportTwice(set, log);
  const numObjects = perClass.reduce((sum, count) => sum + count, 0);
  const numAnnotated = annotated.reduce((sum, count) => sum + count, 0);
  const facts = { numObjects, numAnnotated, leftOut: leftOut.list() };
  if (numObjects === 0) reportNothing(set, facts, isTraining, log);
  else if (isTraining) {
    classes.names.forEach((name, k) => {
      if (perClass[k] > 0 || annotated[k] === 0) return;
      const id = classes.categoryIds[k];
      const message = `category ${id}: ${annotated[k]} annotations of ${quote(name)}, 0 to train on`;
      log.add(PROBLEMS.classUntrained, { file: set.file, message, id });
    });
    reportTiny(set.file, sides.sum / sides.count, needs, log);
  }
  if (needs.masks) reportMasks(set, masked, log);
  return {
    used: { images: numImages, objects: numObjects },
    leftOut: facts.leftOut,
    perClass,
    hasMasks: masked.with > 0,
  };
}

/** Reports objects that an image has twice, which is usual after two exports were joined. */
function reportTwice(set: CocoSet, log: ProblemLog): void {
  const { images, annotations, classIndices, starts, order } = set;
  for (let i = 0; i < images.ids.length; i++) {
    const rows = order
      .subarray(starts[i], starts[i + 1])
      .filter((row) => classIndices[row] >= 0 && annotations.crowds[row] === 0);
    // By class, and then by place: equal ones are neighbors.
    rows.sort((a, b) => classIndices[a] - classIndices[b] || compareBoxes(set, a, b) || a - b);
    for (let n = 1; n < rows.length; n++) {
      const [before, row] = [rows[n - 1], rows[n]];
      if (classIndices[before] !== classIndices[row] || compareBoxes(set, before, row) !== 0)
        continue;
      const place = annotationPlace(set, before).where;
      const message = `expected an object of its own, got the box of ${place} again`;
      log.add(PROBLEMS.objectTwice, annotationProblem(set, row, message));
    }
  }
}

/** Order of two boxes by their numbers; 0 for equal ones. */
function compareBoxes({ annotations: { boxes } }: CocoSet, a: number, b: number): number {
  for (let k = 0; k < 4; k++) {
    const difference = boxes[4 * a + k] - boxes[4 * b + k];
    if (difference !== 0) return difference;
  }
  return 0;
}

function reportNothing(
  { file, images }: CocoSet,
  {
    numAnnotated,
    leftOut,
  }: { readonly numAnnotated: number; readonly leftOut: PartUse['leftOut'] },
  isTraining: boolean,
  log: ProblemLog,
): void {
  const reasons = leftOut.filter(({ what }) => what === 'objects');
  const why = reasons.map(({ count, reason }) => `${count} x ${reason}`).join(', ');
  const purpose = isTraining ? 'train on' : 'score';
  const message =
    numAnnotated === 0
      ? `expected images with annotations, got none among ${images.ids.length}`
      : `expected objects to ${purpose}, got ${numAnnotated} annotations, 0 to ${purpose} (${why})`;
  log.add(isTraining ? PROBLEMS.untrainable : PROBLEMS.unscorable, { file, message });
}

function reportTiny(file: string, meanPx: number, needs: TrainingNeeds, log: ProblemLog): void {
  const { limits } = needs;
  if (!limits || !(meanPx < MIN_MEAN_SIDE_PX)) return;
  log.add(PROBLEMS.objectsTiny, {
    file,
    message:
      `expected objects of ${MIN_MEAN_SIDE_PX} px or more in images of at most ${limits.long} x ${limits.short} px, ` +
      `got ${meanPx.toFixed(1)} px on average; raise evaluation.limits and the training sizes, or cut the images into tiles`,
  });
}

function reportMasks(
  set: CocoSet,
  masked: {
    readonly with: number;
    readonly without: number;
    readonly first: number;
    readonly firstImage: number;
  },
  log: ProblemLog,
): void {
  const { file, images } = set;
  if (masked.with === 0) {
    if (masked.without > 0) log.add(PROBLEMS.boxesOnly, { file, message: 'no object has a mask' });
    return;
  }
  if (masked.without === 0) return;
  const { first: row, firstImage: i } = masked;
  const message =
    `expected a mask (segmentation) of every object, got none ` +
    `in image ${images.ids[i]} (${images.fileNames[i]}), and of ${masked.without} of ${masked.without + masked.with} objects; ` +
    'train boxes only with --set detector.masks=null, or add masks';
  log.add(PROBLEMS.maskMissing, annotationProblem(set, row, message));
}
