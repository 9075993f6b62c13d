import type { RleRecord } from '../../core/coco.js';
import { rleToString } from '../../core/rle-string.js';
import { roundPx } from '../../core/annotated-image.js';
import { cocoCategories, cocoImage } from '../../io/coco/write.js';
import { rowsOf } from '../coco/samples.js';
import type { CocoSet } from '../coco/set.js';

/** Numbers of the first image and annotation of a set that is not of COCO's format. */
export interface FirstIds {
  readonly image: number;
  readonly annotation: number;
}

/**
 * Creates a COCO annotation file of a set, with its rows created as they are read. Ids, areas and masks are those of the
 * set; sets of other formats have no ids of their own.
 *
 * @param fileNames new names of the images
 */
export function cocoDocument(
  set: CocoSet,
  fileNames: readonly string[],
  first: FirstIds,
): Readonly<Record<string, unknown>> {
  const { images, classes } = set;
  const imageId = (i: number): number => (set.places ? first.image + i : images.ids[i]);
  return {
    images: rows(fileNames, (name, i) => [
      cocoImage(imageId(i), name, { width: images.widths[i], height: images.heights[i] }),
    ]),
    annotations: rows(fileNames, (_, i) => annotationsOf(set, i, imageId(i), first)),
    categories: cocoCategories(classes.names, classes.categoryIds),
  };
}

async function* rows<Item>(
  items: readonly Item[],
  of: (item: Item, index: number) => readonly object[],
): AsyncGenerator<object> {
  for (const [i, item] of items.entries()) {
    yield* of(item, i);
    if (i % 1000 === 0) await Promise.resolve();
  }
}

function annotationsOf(
  set: CocoSet,
  image: number,
  imageId: number,
  first: FirstIds,
): readonly object[] {
  const { annotations, classIndices, classes, places } = set;
  return rowsOf(set, image)
    .filter((row) => classIndices[row] >= 0)
    .map((row) => {
      const box = [...annotations.boxes.subarray(4 * row, 4 * row + 4)];
      return {
        id: places ? first.annotation + row : annotations.ids[row],
        image_id: imageId,
        category_id: classes.categoryIds[classIndices[row]],
        bbox: places ? box.map(roundPx) : box,
        area: annotations.areas[row],
        iscrowd: annotations.crowds[row],
        ignore: annotations.ignores[row] === 1 ? 1 : undefined,
        segmentation: segmentationOf(set, row),
      };
    });
}

/** Empty without a mask. Crowds have lists of run lengths as in COCO's files, which older readers expect. */
function segmentationOf(
  { annotations }: CocoSet,
  row: number,
): RleRecord | readonly (readonly number[])[] {
  const mask = annotations.masks.get(row);
  switch (mask.kind) {
    case 'none':
      return [];
    case 'polygons':
      return mask.polygons.map((polygon) => [...polygon]);
    case 'rle': {
      const counts = annotations.crowds[row] ? [...mask.counts] : rleToString(mask);
      return { size: [mask.height, mask.width], counts };
    }
    default:
      return mask satisfies never;
  }
}
