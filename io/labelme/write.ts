import { roundPx, type AnnotatedImage, type AnnotatedObject } from '../../core/annotated-image.js';
import { maskOutline } from '../../core/mask-outline.js';
import { cropRle } from '../../core/rle-crop.js';
import { decodeRle, rleBox, type Rle } from '../../core/rle.js';
import { encodeLabelPng } from '../png/write.js';

/** A shape of LabelMe. */
export interface WrittenShape {
  readonly label: string;
  /** `[x, y]` in pixels: corners of a polygon, two opposite ones of a rectangle, or the first and last pixel of a mask. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Shapes of one number are parts of an object. */
  readonly group_id: number | null;
  readonly shape_type: 'polygon' | 'rectangle' | 'mask';
  readonly flags: Readonly<Record<string, boolean>>;
  /** PNG of a mask in its rectangle, base64. */
  readonly mask?: string | undefined;
}

/** Annotation file of LabelMe for one image. */
export interface LabelMeFile {
  readonly version: string;
  /** Flags of the whole image. */
  readonly flags: Readonly<Record<string, boolean>>;
  readonly shapes: readonly WrittenShape[];
  readonly imagePath: string;
  readonly imageData: null;
  readonly imageHeight: number;
  readonly imageWidth: number;
}

/** Options of {@link labelMeFile}. */
interface LabelMeOptions {
  /** Path of the image relative to the annotation file. */
  readonly imagePath: string;
  readonly flags?: Readonly<Record<string, boolean>> | undefined;
  /** Whether run-length masks become masks, which keep every pixel, or outlines, which are easier to edit. */
  readonly masks: 'pixels' | 'outlines';
}

/**
 * Creates an annotation file of LabelMe: polygons, of which those of one object are a group, masks, or else rectangles.
 *
 * @see https://github.com/wkentaro/labelme
 */
export function labelMeFile(
  { width, height, objects }: AnnotatedImage,
  { imagePath, flags = {}, masks }: LabelMeOptions,
): LabelMeFile {
  let groups = 0;
  const shapes = objects.flatMap((object) => {
    const parts = shapesOf(object, masks);
    const group = parts.length > 1 ? ++groups : null;
    return parts.map((part) => ({ ...part, group_id: group }));
  });
  return {
    version: '5.5.0',
    flags,
    shapes,
    imagePath,
    imageData: null,
    imageHeight: height,
    imageWidth: width,
  };
}

function shapesOf(
  { name, box: [x, y, w, h], mask }: AnnotatedObject,
  masks: LabelMeOptions['masks'],
): readonly WrittenShape[] {
  if (mask.kind === 'polygons')
    return mask.polygons.map((polygon) => shape(name, 'polygon', pairs(polygon)));
  if (mask.kind === 'rle' && masks === 'pixels') return [maskShape(name, mask)];
  const points = mask.kind === 'rle' ? pairs(maskOutline(mask)) : [];
  if (points.length > 0) return [shape(name, 'polygon', points)];
  const corners = [
    [roundPx(x), roundPx(y)],
    [roundPx(x + w), roundPx(y + h)],
  ] as const;
  return [shape(name, 'rectangle', corners)];
}

function shape(
  label: string,
  shape_type: WrittenShape['shape_type'],
  points: WrittenShape['points'],
): WrittenShape {
  return { label, points, group_id: null, shape_type, flags: {} };
}

function maskShape(label: string, mask: Rle): WrittenShape {
  const [x, y, width, height] = rleBox(mask);
  const pixels = decodeRle(cropRle(mask, { x, y, width, height }));
  const data = pixels.map((pixel) => 255 * pixel);
  const corners = [
    [x, y],
    [x + width - 1, y + height - 1],
  ] as const;
  const png = Buffer.from(encodeLabelPng({ width, height, data })).toString('base64');
  return { ...shape(label, 'mask', corners), mask: png };
}

function pairs(points: Float64Array): WrittenShape['points'] {
  return Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i], points[2 * i + 1]]);
}
