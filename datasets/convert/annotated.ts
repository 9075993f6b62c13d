import type { AnnotatedImage } from '../../core/annotated-image.js';
import { boxOf } from '../../io/coco/annotations.js';
import { rowsOf } from '../coco/samples.js';
import type { CocoSet } from '../coco/set.js';

/** Collects the objects of the selected classes of an image, with the values of the annotations. @param fileName new name of the image */
export function annotatedImage(set: CocoSet, image: number, fileName: string): AnnotatedImage {
  const { images, annotations, classes, classIndices } = set;
  return {
    fileName,
    width: images.widths[image],
    height: images.heights[image],
    objects: rowsOf(set, image)
      .filter((row) => classIndices[row] >= 0)
      .map((row) => ({
        classIndex: classIndices[row],
        name: classes.names[classIndices[row]],
        box: boxOf(set, row),
        mask: annotations.masks.get(row),
        isCrowd: annotations.crowds[row] === 1 || annotations.ignores[row] === 1,
      })),
  };
}
