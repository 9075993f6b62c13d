import type { Rle } from '../../core/rle.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';
import { boxOf } from './samples.js';
import type { CocoSet } from './set.js';

/** The images and categories that are evaluated. */
export interface TruthDomain {
  /** `[N]`, file order. */
  readonly imageIds: Float64Array;
  /** `[N]`, pixels. */
  readonly imageHeights: Float64Array;
  /** `[N]`, pixels. */
  readonly imageWidths: Float64Array;
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

/** One annotation as metrics want it: the numbers of the file, nothing left out. */
export interface TruthObject {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  /** x, y, width, height in pixels. */
  readonly box: [number, number, number, number];
  /** px². */
  readonly area: number;
  readonly isCrowd: boolean;
  readonly ignore: boolean;
  /** Nothing where the annotation has no mask. */
  readonly mask?: Rle;
}

/** The images and classes of a set, for an evaluator. */
export function truthDomain({ images, classes }: CocoSet): TruthDomain {
  return {
    imageIds: images.ids,
    imageHeights: Float64Array.from(images.heights),
    imageWidths: Float64Array.from(images.widths),
    categories: classes.categoryIds.map((id, k) => ({ id, name: classes.names[k] })),
  };
}

/**
 * The annotations of a set in file order, for an evaluator: those of its images and classes, also those that training
 * leaves out, since the COCO evaluation counts them.
 */
export function* truthObjects(
  set: CocoSet,
  options: { readonly masks: boolean },
): Generator<TruthObject> {
  const { annotations } = set;
  for (let a = 0; a < annotations.ids.length; a++) {
    const image = set.imageIndices[a];
    if (image < 0 || set.classIndices[a] < 0) continue;
    const mask = options.masks ? maskOf(set, a, image) : undefined;
    yield {
      id: annotations.ids[a],
      imageId: annotations.imageIds[a],
      categoryId: annotations.categoryIds[a],
      box: boxOf(set, a),
      area: annotations.areas[a],
      isCrowd: annotations.crowds[a] === 1,
      ignore: annotations.ignores[a] === 1,
      ...(mask ? { mask } : {}),
    };
  }
}

function maskOf(set: CocoSet, row: number, image: number): Rle | undefined {
  const mask = set.annotations.masks.get(row);
  switch (mask.kind) {
    case 'none':
      return undefined;
    case 'rle':
      return { height: mask.height, width: mask.width, counts: mask.counts };
    case 'polygons':
      return rleFromPolygons(mask.polygons, set.images.heights[image], set.images.widths[image]);
    default:
      return mask satisfies never;
  }
}
