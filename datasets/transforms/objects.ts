import type { Objects } from '../sample.js';
import { gridOf, transformBoxes, type GeometricStep } from './geometry.js';
import { boxThroughGrid, outputStarts, segmentationRuns } from './mask-grid.js';
import type { Size } from './rect.js';

/** Selects the objects at `indices`, in that order. */
function selectObjects(objects: Objects, indices: readonly number[]): Objects {
  return {
    boxes: Float32Array.from({ length: indices.length * 4 }, (_, i) => {
      return objects.boxes[indices[i >> 2] * 4 + (i & 3)];
    }),
    classIndices: Int32Array.from(indices, (i) => objects.classIndices[i]),
    segmentations: indices.map((i) => objects.segmentations[i]),
    ids: Float64Array.from(indices, (i) => objects.ids[i]),
  };
}

/**
 * Transforms objects with their image. Boxes are in pixels of the result; objects with an empty box are dropped. Masks
 * stay in pixels of the source; `gridOf` maps them to the result.
 */
export function transformObjects(
  objects: Objects,
  source: Size,
  steps: readonly GeometricStep[],
): Objects {
  const boxes = transformBoxes(objects.boxes, source, steps);
  return selectObjects({ ...objects, boxes }, largerThan(boxes, 0));
}

/** Smallest side in pixels of boxes computed from cropped masks. */
const MIN_SIDE_PX = 1e-2;

/**
 * Like {@link transformObjects}, but boxes are recomputed from the cropped masks, and masks are returned as run lengths.
 * Objects without a mask keep their clipped box.
 *
 * @param steps without flips
 * @returns undefined if boxes but no mask pixels remain; such an image is replaced by another one
 * @see mmdet 3.x, RandomCrop with recompute_bbox and FilterAnnotations
 */
export function cropObjectsByMask(
  objects: Objects,
  source: Size,
  steps: readonly GeometricStep[],
): Objects | undefined {
  const boxed = transformObjects(objects, source, steps);
  const grid = gridOf(source, steps);
  const starts = {
    columns: outputStarts(grid.columns, source.width),
    rows: outputStarts(grid.rows, source.height),
  };
  const boxes = Float32Array.from(boxed.boxes);
  const segmentations = boxed.segmentations.map((segmentation, i) => {
    const mask = segmentationRuns(segmentation, source);
    if (mask === undefined) return segmentation;
    boxes.set(boxThroughGrid(mask, starts), i * 4);
    return { kind: 'rle', ...mask } as const;
  });
  const kept = largerThan(boxes, MIN_SIDE_PX);
  if (kept.length === 0 && segmentations.length > 0) return undefined;
  return selectObjects({ ...boxed, boxes, segmentations }, kept);
}

/** Finds the indices of boxes with both sides longer than `sidePx`. */
function largerThan(boxes: Float32Array, sidePx: number): number[] {
  const indices: number[] = [];
  for (let b = 0; b < boxes.length; b += 4)
    if (boxes[b + 2] - boxes[b] > sidePx && boxes[b + 3] - boxes[b + 1] > sidePx)
      indices.push(b / 4);
  return indices;
}
