import type { CocoTables } from '../../io/coco/annotations.js';
import { placeOf, type Report } from '../../io/coco/issues.js';
import type { Problem, ProblemKind, ProblemLog, Severity } from '../problems.js';

/**
 * Kinds of problems of a COCO set. Training rejects errors. Warnings are records that it skips or changes, following the
 * original pipelines, or probable mistakes. Notes are facts worth knowing.
 *
 * @see https://github.com/open-mmlab/mmdetection/blob/cfd5d3a/mmdet/datasets/coco.py for what is left out
 */
export const COCO_PROBLEMS = {
  json: kind('json', 'error', 'records that are not valid JSON'),
  array: kind('array', 'error', 'parts that the file lacks'),
  schema: kind('schema', 'error', 'records that do not fit the format'),
  duplicateId: kind('duplicate-id', 'error', 'ids that occur more than once'),
  unknownImage: kind('unknown-image', 'error', 'annotations of images that are not listed'),
  unknownCategory: kind(
    'unknown-category',
    'error',
    'annotations of categories that are not listed',
  ),
  polygon: kind('polygon', 'error', 'polygons with an odd number of coordinates'),
  rleRuns: kind('rle-runs', 'error', 'run lengths that do not fill the mask, or are malformed'),
  rleSize: kind('rle-size', 'error', 'masks of another size than their image'),
  keypoints: kind('keypoints', 'error', 'keypoints that do not fit their category or their count'),
  fileName: kind('file-name', 'error', 'file names that lead out of the image folder'),
  imageMissing: kind('image-missing', 'error', 'listed images that do not exist'),
  imageUnreadable: kind('image-unreadable', 'error', 'images that cannot be read'),
  imageSize: kind('image-size', 'error', 'images of another size than listed'),
  empty: kind('empty', 'error', 'files without images or categories'),
  classes: kind('classes', 'error', 'wanted classes that are none of the categories'),
  untrainable: kind('untrainable', 'error', 'training parts without an image to train on'),
  categoriesDiffer: kind('categories-differ', 'error', 'splits with different categories'),

  boxOutside: kind('box-outside', 'warning', 'boxes outside their image: not trained on'),
  boxSmall: kind('box-small', 'warning', 'boxes with a side below 1 pixel: not trained on'),
  areaNotPositive: kind('area-not-positive', 'warning', 'areas of 0 or less: not trained on'),
  ignored: kind('ignored', 'warning', 'objects marked "ignore": not trained on'),
  boxOverhang: kind('box-overhang', 'warning', 'boxes that leave their image on a side: clipped'),
  polygonOutside: kind('polygon-outside', 'warning', 'polygons that leave their image: clipped'),
  polygonShort: kind('polygon-short', 'warning', 'polygons of fewer than 3 points: left out'),
  maskEmpty: kind('mask-empty', 'warning', 'masks without a pixel'),
  crowdPolygons: kind(
    'crowd-polygons',
    'warning',
    'crowds outlined by polygons instead of run lengths',
  ),
  boxMask: kind(
    'box-mask',
    'warning',
    'boxes that disagree with their mask (is bbox [x, y, width, height]?)',
  ),
  areaBox: kind('area-box', 'warning', 'areas larger than their box'),
  areaMissing: kind(
    'area-missing',
    'warning',
    'annotations without an area: taken from the mask or box',
  ),
  idZero: kind(
    'id-zero',
    'warning',
    'annotation id 0: the COCO evaluation never counts it as found',
  ),
  duplicateName: kind('duplicate-name', 'warning', 'categories of the same name'),
  duplicateFile: kind('duplicate-file', 'warning', 'images listed under several ids'),
  imageSmall: kind('image-small', 'warning', 'images with a side below 32 pixels: not trained on'),
  splitOverlap: kind('split-overlap', 'warning', 'images that are in several splits'),

  resultScore: kind('result-score', 'warning', 'scores outside 0 … 1'),
  resultCategory: kind(
    'result-category',
    'warning',
    'detections of categories that the ground truth lacks: not scored',
  ),
  resultBoth: kind(
    'result-both',
    'warning',
    'detections with box and mask: the COCO evaluation takes areas from the boxes, also for masks',
  ),
  resultEmpty: kind('result-empty', 'warning', 'result files without a detection'),
  resultBox: kind('result-box', 'warning', 'detections whose box has no area'),

  imageEmpty: kind('image-empty', 'note', 'images without annotations: not trained on'),
  classUnused: kind('class-unused', 'note', 'categories without annotations'),
  crowd: kind('crowd', 'note', 'crowd regions: ignored in training and evaluation'),
  maskNone: kind('mask-none', 'note', 'objects without a mask: boxes only'),
  imageUnlisted: kind('image-unlisted', 'note', 'images in the folder that are not listed'),
  imagesUnchecked: kind('images-unchecked', 'note', 'splits whose images were not looked at'),
} as const satisfies Readonly<Record<string, ProblemKind>>;

function kind(code: string, severity: Severity, meaning: string): ProblemKind {
  return { code, severity, meaning };
}

/** Creates a reader's callback that adds issues to a log. */
export function reportTo(log: ProblemLog): Report {
  return ({ code, row: index, ...problem }) =>
    log.add(COCO_PROBLEMS[code], {
      ...problem,
      row: index === undefined ? undefined : { table: 'annotations', index },
    });
}

/** Describes problems of an image. @param row of `images` */
export function imageProblem(
  { file, images }: Pick<CocoTables, 'file' | 'images'>,
  row: number,
  message: string,
): Problem {
  const id = images.ids[row];
  const where = placeOf('images', images.positions[row], id);
  return { file, message: `${where}: ${message}`, id, row: { table: 'images', index: row } };
}
