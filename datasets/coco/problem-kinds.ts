import { quote } from '../../core/errors.js';
import { annotationPlace, imagePlace, type CocoTables } from '../../io/coco/annotations.js';
import type { Report } from '../../io/coco/issues.js';
import { problemKinds, type Problem, type ProblemLog } from '../problems.js';

/**
 * Kinds of problems of a COCO set. Training rejects errors. Warnings are records that it skips or changes, following the
 * original pipelines, or probable mistakes. Notes are facts worth knowing.
 *
 * @see https://github.com/open-mmlab/mmdetection/blob/cfd5d3a/mmdet/datasets/coco.py for what is left out
 */
export const COCO_PROBLEMS = {
  ...problemKinds('error', {
    json: 'records that are not valid JSON',
    array: 'parts that the file lacks',
    schema: 'records that do not fit the format',
    duplicateId: 'ids that occur more than once',
    unknownImage: 'annotations of images that are not listed',
    unknownCategory: 'annotations of categories that are not listed',
    polygon: 'polygons with an odd number of coordinates',
    rleRuns: 'run lengths that do not fill the mask, or are malformed',
    rleSize: 'masks of another size than their image',
    resultKeypoints: 'keypoints of detections that do not fit their category',
    fileName: 'file names that lead out of the image folder',
    imageFolderMissing: 'parts without a folder of images',
    imageMissing: 'listed images that do not exist',
    imageUnreadable: 'images that cannot be read',
    imageSize: 'images of another size than listed',
    empty: 'files without images or categories',
    classes: 'wanted classes that are none of the categories',
    boxRelative: 'boxes in fractions of the image instead of pixels',
    untrainable: 'training parts without an image to train on',
    maskMissing: 'objects without a mask where others have one',
    categoriesDiffer: 'parts with other categories than the training part',
    partMissing: 'sets without a part to train on',
  }),
  ...problemKinds('warning', {
    boxOutside: 'boxes outside their image: not trained on',
    boxSmall: 'boxes with a side below 1 pixel: not trained on',
    areaNotPositive: 'areas of 0 or less: not trained on',
    ignored: 'objects marked "ignore": not trained on',
    boxCorners: 'boxes that are probably two corners instead of a corner and a size',
    objectTwice: 'objects that are annotated twice: the same image, class and box',
    boxOverhang: 'boxes that leave their image on a side: clipped',
    polygonOutside: 'polygons that leave their image: clipped',
    polygonShort: 'polygons of fewer than 3 points: left out',
    segmentationBox: 'segmentations of four numbers: read as boxes',
    keypoints: 'keypoints that do not fit their category or their count: not trained on',
    maskEmpty: 'masks without a pixel',
    maskBinary: 'masks that do not tell objects apart: all of an image is one object',
    crowdPolygons: 'crowds outlined by polygons instead of run lengths',
    boxMask: 'boxes that disagree with their mask (is bbox [x, y, width, height]?)',
    areaBox: 'areas larger than their box',
    areaMissing: 'annotations without an area: taken from the mask or box',
    boxOrder: 'boxes with swapped corners: put in order',
    boxRotated: 'rotated boxes: the upright boxes around them are used',
    valueOutside: 'coordinates outside the image: clipped',
    sizeListed:
      'annotation files with another size than their image: the size of the image is used',
    labelAlone: 'annotation files without an image: left out',
    idZero: 'annotation id 0: the COCO evaluation never counts it as found',
    unscorable: 'parts without an object to score: all numbers will be absent',
    classUntrained: 'categories whose objects are all left out',
    classHeldOut: 'categories that occur in validation only: they are scored, but not learned',
    objectsTiny: 'objects that are too small after resizing',
    duplicateName: 'categories of the same name',
    duplicateFile: 'images listed under several ids',
    imageFormat: 'image files of formats that are not read: left out',
    imageSmall: 'images with a side below 32 pixels: not trained on',
    splitOverlap: 'images that are in several splits',
    resultScore: 'scores outside 0 … 1',
    resultCategory: 'detections of categories that the ground truth lacks: not scored',
    resultBoth:
      'detections with box and mask: the COCO evaluation takes areas from the boxes, also for masks',
    resultEmpty: 'result files without a detection',
    resultBox: 'detections whose box has no area',
  }),
  ...problemKinds('note', {
    nameListed: 'annotation files that name another image: paired by their own name',
    fileOther: 'files of another kind among those with annotations: left out',
    shapeIgnored: 'shapes without an area: left out',
    imageUnlabeled: 'images without annotations of their own: left out',
    labelMissing: 'images without an annotation file: background',
    imageEmpty: 'images without annotations: background, or left out with keepEmpty=false',
    classUnused: 'categories without annotations',
    crowd: 'crowd regions: ignored in training and evaluation',
    maskNone: 'objects without a mask: boxes only',
    imageRenamed: 'listed names that differ from those of their files',
    storedFrame:
      'images with an EXIF orientation whose annotations are in the stored frame: not turned',
    partsUnnamed: 'several files: each is a set of its own',
    boxesOnly: 'parts without masks: trained and scored by boxes only',
    categoriesMapped: 'parts with other category ids or another order: mapped by name',
    imageUnlisted: 'images in the folder that are not listed',
    imagesUnchecked: 'splits whose images were not looked at',
  }),
};

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
  tables: Pick<CocoTables, 'file' | 'images' | 'places'>,
  row: number,
  message: string,
): Problem {
  const { file, where } = imagePlace(tables, row);
  const id = tables.images.ids[row];
  // Of sets with a file for each image the place is its name, which messages begin with, too.
  const name = quote(tables.images.fileNames[row]);
  const isRepeated = where.endsWith(name) && message.startsWith(name);
  const text = isRepeated ? where + message.slice(name.length) : `${where}: ${message}`;
  return { file, message: text, id, row: { table: 'images', index: row } };
}

/** Describes problems of an annotation. @param row of `annotations` */
export function annotationProblem(
  tables: Pick<CocoTables, 'file' | 'annotations' | 'places'>,
  row: number,
  message: string,
): Problem {
  const { file, where } = annotationPlace(tables, row);
  const id = tables.annotations.ids[row];
  return { file, message: `${where}: ${message}`, id, row: { table: 'annotations', index: row } };
}
