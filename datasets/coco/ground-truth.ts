import { assertObject } from '../../core/arguments.js';
import { rleOfSegmentation, type CocoDomain, type GroundTruthObject } from '../../core/coco.js';
import { AnnotationsError, DataError } from '../../core/errors.js';
import type { Rle, XywhBox } from '../../core/rle.js';
import { annotationPlace, boxOf, type CocoTables } from '../../io/coco/annotations.js';
import { hasMask } from './inspect-set.js';
import { reasonToSkip } from './training-rules.js';
import type { CocoSet } from './set.js';

/** Collects the images and classes of a set for an evaluator. */
export function groundTruthDomain(set: CocoSet): CocoDomain {
  assertObject('groundTruthDomain', 'a set that loadCoco returned', set, 'images', 'classes');
  const { images, classes } = set;
  return tableDomain({
    images,
    federated: set.federated,
    categories: classes.categoryIds.map((id, k) => ({ id, name: classes.names[k] })),
  });
}

/**
 * Collects the annotations of a set in file order for an evaluator: those of its images and classes, including those that
 * training skips, because the COCO evaluation counts them. With masks, those that training skips and that have no mask
 * beside others with one are left out.
 */
export function groundTruthObjects(
  set: CocoSet,
  options: { readonly masks: boolean },
): Generator<BoxedObject> {
  assertObject('groundTruthObjects', 'a set that loadCoco returned', set, 'images', 'annotations');
  assertObject('groundTruthObjects', 'options with masks', options);
  const { masks } = options;
  const { imageIndices, classIndices, annotations } = set;
  const isWanted = (row: number): boolean => imageIndices[row] >= 0 && classIndices[row] >= 0;
  const hasMasks =
    masks && annotations.ids.some((_, row) => isWanted(row) && hasMask(annotations, row));
  const isUnmasked = (row: number): boolean =>
    hasMasks &&
    !hasMask(annotations, row) &&
    reasonToSkip(set, row, imageIndices[row]) !== undefined;
  return tableObjects(set, {
    wantsRow: (row) => isWanted(row) && !isUnmasked(row),
    wantsMask: masks ? () => true : undefined,
  });
}

/** Collects the images and categories of a file for an evaluator. */
export function tableDomain(
  tables: Pick<CocoTables, 'images' | 'categories' | 'federated'>,
): CocoDomain {
  assertObject('tableDomain', 'tables of readAnnotations', tables, 'images', 'categories');
  const { images, categories } = tables;
  return {
    imageIds: images.ids,
    imageHeights: Float64Array.from(images.heights),
    imageWidths: Float64Array.from(images.widths),
    categories: categories.map(({ id, name }) => ({ id, name })),
    federated: tables.federated,
  };
}

/** Selection of annotations and masks. */
interface ObjectOptions {
  /** Selects annotations; default: all. */
  readonly wantsRow?: ((row: number) => boolean) | undefined;
  /** Selects the images whose masks are read, others get empty masks; default: no masks. */
  readonly wantsMask?: ((imageId: number) => boolean) | undefined;
}

const EMPTY: Rle = { height: 0, width: 0, counts: new Uint32Array(0) };

/** An annotation with its box as an array. */
type BoxedObject = GroundTruthObject & { readonly box: XywhBox };

/**
 * Collects the annotations of a file in file order for an evaluator.
 *
 * @throws DataError for polygons of an unknown image, or invalid polygons
 */
export function* tableObjects(
  tables: Omit<CocoTables, 'categories'>,
  options: ObjectOptions,
): Generator<BoxedObject> {
  assertObject('tableObjects', 'tables of readAnnotations', tables, 'images', 'annotations');
  assertObject('tableObjects', 'an object of options', options);
  const { wantsRow = () => true, wantsMask } = options;
  const { images, annotations } = tables;
  const { ids, imageIds, keypoints, keypointLengths } = annotations;
  const imageOf = new Map(Array.from(images.ids, (id, i) => [id, i]));
  let keypointsEnd = 0;
  for (let a = 0; a < ids.length; a++) {
    const keypointsAt = keypointsEnd;
    keypointsEnd += keypoints.length > 0 ? keypointLengths[a] : 0;
    if (!wantsRow(a)) continue;
    const [id, imageId, numKeypoints] = [ids[a], imageIds[a], annotations.numKeypoints[a]];
    let mask: Rle | undefined;
    try {
      if (wantsMask) mask = wantsMask(imageId) ? maskOf(tables, a, imageOf.get(imageId)) : EMPTY;
    } catch (cause) {
      if (!(cause instanceof DataError)) throw cause;
      const { file, where } = annotationPlace(tables, a);
      throw AnnotationsError.in(file, `${where}: ${cause.message}`, { cause, id });
    }
    yield {
      id,
      imageId,
      categoryId: annotations.categoryIds[a],
      box: boxOf(tables, a),
      area: annotations.areas[a],
      isCrowd: annotations.crowds[a] === 1,
      ignore: annotations.ignores[a] === 1,
      mask,
      keypoints:
        keypointsEnd > keypointsAt ? keypoints.subarray(keypointsAt, keypointsEnd) : undefined,
      numKeypoints: Number.isNaN(numKeypoints) ? undefined : numKeypoints,
    };
  }
}

/** Undefined if the annotation has no mask. */
function maskOf(
  { images, annotations }: Pick<CocoTables, 'images' | 'annotations'>,
  row: number,
  image: number | undefined,
): Rle | undefined {
  const mask = annotations.masks.get(row);
  switch (mask.kind) {
    case 'none':
      return undefined;
    case 'rle':
      return mask;
    case 'polygons':
      if (image === undefined)
        throw new AnnotationsError(`expected a known image_id, got ${annotations.imageIds[row]}`);
      return rleOfSegmentation(mask.polygons, images.heights[image], images.widths[image]);
    default:
      return mask satisfies never;
  }
}
