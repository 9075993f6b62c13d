import { maskOutline } from '../core/mask-outline.js';
import { expandMask, segmentsOf, type CompressedMask, type ImageResult } from '../core/results.js';

/** A shape of LabelMe. */
interface LabelMeShape {
  readonly label: string;
  /** `[x, y]` in pixels: corners of a polygon, or two opposite ones of a rectangle. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly group_id: null;
  readonly shape_type: 'polygon' | 'rectangle';
  readonly flags: Readonly<Record<string, boolean>>;
}

/** Annotation file of LabelMe for one image. */
export interface LabelMeFile {
  readonly version: string;
  /** Flags of the whole image: the most probable class of a classifier. */
  readonly flags: Readonly<Record<string, boolean>>;
  readonly shapes: readonly LabelMeShape[];
  readonly imagePath: string;
  readonly imageData: null;
  readonly imageHeight: number;
  readonly imageWidth: number;
}

/**
 * Converts a result to an annotation file of LabelMe: polygons for masks (joined as in {@link maskOutline}), else
 * rectangles.
 *
 * @param options `imagePath`: path of the image relative to the annotation file
 * @see https://github.com/wkentaro/labelme
 */
export function toLabelMe(
  result: ImageResult,
  { imagePath }: { readonly imagePath: string },
): LabelMeFile {
  return {
    version: '5.5.0',
    flags:
      result.task === 'classify' && result.classes[0] ? { [result.classes[0].name]: true } : {},
    shapes: shapesOf(result),
    imagePath,
    imageData: null,
    imageHeight: result.height,
    imageWidth: result.width,
  };
}

function shapesOf(result: ImageResult): readonly LabelMeShape[] {
  switch (result.task) {
    case 'classify':
      return [];
    case 'detect':
      return result.objects.map(({ name, box: [x, y, w, h], mask }) => {
        const points = mask ? outlineOf(mask) : [];
        return points.length > 0
          ? shape(name, 'polygon', points)
          : shape(name, 'rectangle', [
              [x, y],
              [x + w, y + h],
            ]);
      });
    case 'segment':
      return segmentsOf(result).map(({ name, mask }) => shape(name, 'polygon', outlineOf(mask)));
    default:
      return result satisfies never;
  }
}

function shape(
  label: string,
  shape_type: LabelMeShape['shape_type'],
  points: LabelMeShape['points'],
): LabelMeShape {
  return { label, points, group_id: null, shape_type, flags: {} };
}

function outlineOf(mask: CompressedMask): LabelMeShape['points'] {
  const outline = maskOutline(expandMask(mask));
  return Array.from({ length: outline.length / 2 }, (_, i) => [outline[2 * i], outline[2 * i + 1]]);
}
