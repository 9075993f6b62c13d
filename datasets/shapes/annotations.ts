import type { RleRecord } from '../../core/coco.js';
import { maskContours } from '../../core/mask-outline.js';
import { rleArea, type Rle, type XywhBox } from '../../core/rle.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';
import { rleToString } from '../../core/rle-string.js';
import { FORMS } from './forms.js';
import { cutoutRuns } from '../transforms/mask-grid.js';
import { visibleMasks } from './render.js';
import type { Scene } from './scene.js';

/** One entry of `annotations` in COCO's format. */
export interface ShapeAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly iscrowd: 0 | 1;
  /** Number of visible pixels. */
  readonly area: number;
  readonly bbox: XywhBox;
  readonly segmentation: readonly (readonly number[])[] | RleRecord;
}

/** The `categories` of the set: ids 1 … 6. */
export const SHAPE_CATEGORIES: readonly {
  readonly id: number;
  readonly name: string;
  readonly supercategory: string;
}[] = FORMS.map(({ name }, k) => ({ id: k + 1, name, supercategory: 'shape' }));

/**
 * Creates the annotations of a scene. Masks are exactly the visible pixels: as polygons if possible, else as compressed
 * run lengths, and for crowds as uncompressed run lengths, as in COCO.
 *
 * @param firstId id of the first annotation; the others follow
 */
export function sceneAnnotations(
  scene: Scene,
  imageId: number,
  firstId: number,
): readonly ShapeAnnotation[] {
  const { width, height } = scene;
  return visibleMasks(scene).map((mask, o) => {
    const { classIndex, isCrowd } = scene.objects[o];
    const rle = cutoutRuns(mask, scene);
    const size = [height, width] as const;
    const polygons = isCrowd ? undefined : exactPolygons(rle);
    return {
      id: firstId + o,
      image_id: imageId,
      category_id: classIndex + 1,
      iscrowd: isCrowd ? 1 : 0,
      area: rleArea(rle),
      bbox: [mask.left, mask.top, mask.width, mask.height],
      segmentation:
        polygons ??
        (isCrowd ? { size, counts: [...rle.counts] } : { size, counts: rleToString(rle) }),
    };
  });
}

/**
 * Outlines that COCO's rasterizer converts to exactly this mask; undefined if there are none, such as for a mask with a
 * hole, which its polygons cannot have.
 */
export function exactPolygons(mask: Rle): readonly (readonly number[])[] | undefined {
  const { height, width, counts } = mask;
  const polygons = maskContours(mask).map((outline) => Array.from(outline));
  const drawn = rleFromPolygons(polygons, height, width).counts;
  const same = drawn.length === counts.length && drawn.every((run, i) => run === counts[i]);
  return same ? polygons : undefined;
}
