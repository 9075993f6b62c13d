import type { Segmentation } from './coco.js';
import { expandMask, segmentsOf, type ImageResult } from './results.js';
import { rleBox, type XywhBox } from './rle.js';

/** An object of an image, as the formats of labeling tools describe it. */
export interface AnnotatedObject {
  readonly classIndex: number;
  readonly name: string;
  /** x, y, width, height in pixels. */
  readonly box: XywhBox;
  readonly mask: Segmentation;
  /** Whether it marks a region to be ignored. */
  readonly isCrowd?: boolean | undefined;
  /** 0–1, of a prediction. */
  readonly score?: number | undefined;
}

/** An image with its objects. */
export interface AnnotatedImage {
  /** Path with `/`, relative to the folder of the images. */
  readonly fileName: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly AnnotatedObject[];
}

/** Converts a result to an image with objects: those of a detector, the areas of a segmenter, none of a classifier. */
export function annotatedResult(result: ImageResult, fileName: string): AnnotatedImage {
  const { width, height } = result;
  const image = { fileName, width, height };
  switch (result.task) {
    case 'classify':
      return { ...image, objects: [] };
    case 'detect':
      return {
        ...image,
        objects: result.objects.map(({ classIndex, name, box, score, mask }) => ({
          classIndex,
          name,
          box,
          score,
          mask: mask ? { kind: 'rle', ...expandMask(mask) } : { kind: 'none' },
        })),
      };
    case 'segment':
      return {
        ...image,
        objects: segmentsOf(result).map(({ classIndex, name, mask }) => {
          const rle = expandMask(mask);
          return { classIndex, name, box: rleBox(rle), mask: { kind: 'rle', ...rle } };
        }),
      };
    default:
      return result satisfies never;
  }
}

/** Rounds to a thousandth of a pixel, which is finer than any tool draws. */
export function roundPx(value: number): number {
  return Math.round(value * 1000) / 1000;
}
