import type { AnchorConfig } from '../../core/anchors.js';
import { keepRatioSize, type ScaleLimits } from '../transforms/keep-ratio.js';
import { boxOf } from '../../io/coco/annotations.js';
import type { CocoSet } from './set.js';

/** Resize and anchors of a detector, through which it sees the boxes. */
export interface BoxView {
  readonly limits: ScaleLimits;
  readonly anchors: AnchorConfig;
}

/** Shapes of the boxes of a set after resizing, without crowds and boxes without area. */
export interface BoxShapes {
  /** `[boxes]`, square root of the area in pixels. */
  readonly sides: Float64Array;
  /** `[boxes]`, height / width. */
  readonly ratios: Float64Array;
  /** `[boxes]`, IoU with the anchor of the most similar shape at the same center. */
  readonly fits: Float64Array;
}

/** Computes the shapes of all boxes after resizing. */
export function boxShapes(set: CocoSet, { limits, anchors }: BoxView): BoxShapes {
  const { images, annotations, classIndices, imageIndices } = set;
  const [sides, ratios, fits]: number[][] = [[], [], []];
  const shapes = anchorShapes(anchors);
  for (let row = 0; row < annotations.ids.length; row++) {
    const image = imageIndices[row];
    const [, , w, h] = boxOf(set, row);
    if (image < 0 || classIndices[row] < 0 || annotations.crowds[row]) continue;
    const [width, height] = [images.widths[image], images.heights[image]];
    if (!(w > 0 && h > 0 && width > 0 && height > 0)) continue;
    const input = keepRatioSize({ width, height }, limits);
    const [boxWidth, boxHeight] = [(w * input.width) / width, (h * input.height) / height];
    sides.push(Math.sqrt(boxWidth * boxHeight));
    ratios.push(boxHeight / boxWidth);
    fits.push(Math.max(...shapes.map((shape) => shapeIou(boxWidth, boxHeight, shape))));
  }
  const column = (values: readonly number[]): Float64Array => Float64Array.from(values);
  return { sides: column(sides), ratios: column(ratios), fits: column(fits) };
}

interface AnchorShape {
  readonly width: number;
  readonly height: number;
}

/** Sides in pixels of the square anchors of all levels. */
export function anchorSides({ strides, scale }: AnchorConfig): readonly number[] {
  return strides.map((stride) => stride * scale);
}

function anchorShapes(anchors: AnchorConfig): readonly AnchorShape[] {
  return anchorSides(anchors).flatMap((side) =>
    anchors.ratios.map((ratio) => ({
      width: side / Math.sqrt(ratio),
      height: side * Math.sqrt(ratio),
    })),
  );
}

function shapeIou(width: number, height: number, anchor: AnchorShape): number {
  const both = Math.min(width, anchor.width) * Math.min(height, anchor.height);
  return both / (width * height + anchor.width * anchor.height - both);
}
