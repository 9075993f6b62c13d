import type { ProblemLog, ReportProblem } from '../problems.js';
import { annotationProblem, COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { boxOf } from '../../io/coco/annotations.js';
import type { CocoSet } from './set.js';

/** Fraction of the boxes that leave their image from which on their numbers are probably others. */
const MANY = 1 / 3;
/** Tolerance for rounded numbers, pixels or fractions. */
const SLACK = 0.002;

/**
 * Reports boxes whose numbers are probably not x, y, width and height in pixels: fractions of the image, or (in COCO files)
 * both corners, which fit their images where the boxes as read do not.
 */
export function reportUnits(set: CocoSet, log: ProblemLog): void {
  const { images, annotations, classIndices, imageIndices } = set;
  let [count, relative, corners, leaving, first] = [0, 0, 0, 0, -1];
  for (let row = 0; row < annotations.ids.length; row++) {
    const image = imageIndices[row];
    if (image < 0 || classIndices[row] < 0 || annotations.crowds[row] === 1) continue;
    const [x, y, w, h] = boxOf(set, row);
    const [width, height] = [images.widths[image], images.heights[image]];
    if (first < 0) first = row;
    count++;
    if (Math.min(x, y) > -SLACK && Math.max(x + w, y + h) < 1 + SLACK) relative++;
    if (w > x && h > y && w <= width + 1 && h <= height + 1) corners++;
    if (x + w > width + 1 || y + h > height + 1) leaving++;
  }
  if (count === 0) return;
  const report: ReportProblem = (kind, message) =>
    log.add(kind, annotationProblem(set, first, message));
  const box = `[${boxOf(set, first).join(', ')}]`;
  if (relative === count)
    report(
      PROBLEMS.boxRelative,
      `expected pixels, got ${box}, and all of ${count} boxes between 0 and 1; multiply them by the sides of their images`,
    );
  else if (set.places === undefined && corners === count && leaving >= MANY * count)
    report(
      PROBLEMS.boxCorners,
      `expected [x, y, width, height], got ${box}; ${leaving} of ${count} boxes leave their image, and as [x1, y1, x2, y2] none does`,
    );
}
