import type { AnnotatedImage } from '../../core/annotated-image.js';
import { rleOfSegmentation } from '../../core/coco.js';
import { AnnotationsError } from '../../core/errors.js';
import { drawRles, rleArea, type Rle } from '../../core/rle.js';
import { encodeDeepPng } from './write.js';

/** Factor between class numbers and values: at most this many objects of a class. */
const PER_CLASS = 1000;
/** Largest number of classes whose objects fit 16 bits. */
export const MAX_INSTANCE_CLASSES = 64;

/**
 * Encodes the masks of an image as one 16-bit PNG: the value of an object is its class number (from 1) · 1000 + its number
 * among those of the class, and a region to be ignored has the class number alone. Where they overlap, the smaller
 * object is on top. Objects without a mask are left out.
 *
 * @throws DataError for more classes or objects than there are values
 */
export function instancePng({ fileName, width, height, objects }: AnnotatedImage): Uint8Array {
  const values = new Uint16Array(width * height);
  const counts = new Map<number, number>();
  const numbered = objects.flatMap(({ classIndex, mask, isCrowd }) => {
    const drawn = rleOf(mask, height, width);
    if (drawn === undefined) return [];
    if (classIndex >= MAX_INSTANCE_CLASSES)
      throw new AnnotationsError(
        `masks: expected at most ${MAX_INSTANCE_CLASSES} classes, got number ${classIndex + 1}; choose some with --classes`,
      );
    if (isCrowd) return [{ value: classIndex + 1, mask: drawn }];
    const number = counts.get(classIndex) ?? 0;
    counts.set(classIndex, number + 1);
    if (number >= PER_CLASS)
      throw new AnnotationsError(
        `${fileName}: expected at most ${PER_CLASS} objects of a class for instance masks, got more`,
      );
    return [{ value: PER_CLASS * (classIndex + 1) + number, mask: drawn }];
  });
  const order = (value: number): number => (value < PER_CLASS ? 0 : 1);
  numbered.sort((a, b) => order(a.value) - order(b.value) || rleArea(b.mask) - rleArea(a.mask));
  drawRles(values, { height, width }, numbered);
  return encodeDeepPng(width, height, values);
}

function rleOf(
  mask: AnnotatedImage['objects'][number]['mask'],
  height: number,
  width: number,
): Rle | undefined {
  switch (mask.kind) {
    case 'none':
      return undefined;
    case 'polygons':
      return rleOfSegmentation(mask.polygons, height, width);
    case 'rle':
      return mask;
    default:
      return mask satisfies never;
  }
}
