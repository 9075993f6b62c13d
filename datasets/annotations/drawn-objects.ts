import { extentOf, type Size } from '../../core/boxes.js';
import { outlineOf, type DrawnRegion } from '../../core/drawn-region.js';
import { rleFromPolygons, unionOf } from '../../core/rle-polygons.js';
import type { CocoIssue } from '../../io/coco/issues.js';
import { wholeMask } from './place-mask.js';
import type { TableBuilder, TableImage, TableObject } from './table-builder.js';

/** An object as drawn in an annotation tool. */
export interface DrawnObject {
  readonly position: number;
  readonly label: string;
  /** Its parts, at least one. */
  readonly regions: readonly DrawnRegion[];
}

/** An image with its objects, and issues of what is left out. */
export interface DrawnImage extends TableImage {
  /** Issue of the whole file. */
  readonly issue?: Pick<CocoIssue, 'code' | 'message'> | undefined;
  readonly objects: readonly DrawnObject[];
  readonly issues: readonly {
    readonly code: CocoIssue['code'];
    readonly position: number;
    readonly message: string;
  }[];
}

/**
 * The images of a set on their way to its tables. Rectangles are boxes without a mask in a set that has nothing else;
 * beside outlines and masks they are masks, too, so that every object has one. Images wait only until that is known.
 */
export class DrawnImages {
  private waiting: DrawnImage[] = [];
  private hasOutlines = false;

  constructor(private readonly builder: TableBuilder) {}

  /** Adds the next image. */
  add(image: DrawnImage): void {
    this.waiting.push(image);
    this.hasOutlines ||= image.objects.some(({ regions }) =>
      regions.some(({ kind }) => kind !== 'rectangle'),
    );
    if (this.hasOutlines) this.flush();
  }

  /** Adds what is waiting; call it after the last image. */
  flush(): void {
    const { builder, waiting, hasOutlines } = this;
    this.waiting = [];
    for (const image of waiting) {
      builder.addImage(image);
      if (image.issue) builder.issue(image.issue.code, image.issue.message);
      for (const { code, position, message } of image.issues)
        builder.issueAt(code, position, message);
      for (const { position, label, regions } of image.objects) {
        const shape = hasOutlines ? maskOf(regions, image) : { box: boxAround(regions) };
        builder.addObject({ position, label, ...shape });
      }
    }
  }
}

function maskOf(
  regions: readonly DrawnRegion[],
  image: Size,
): Pick<TableObject, 'polygons' | 'rle'> {
  const polygons: (readonly number[])[] = [];
  const masks: Extract<DrawnRegion, { readonly kind: 'mask' }>[] = [];
  for (const region of regions)
    if (region.kind === 'mask') masks.push(region);
    else polygons.push(outlineOf(region));
  if (masks.length === 0) return { polygons };
  const parts = masks.map((mask) => wholeMask(mask, image));
  if (polygons.length > 0) parts.push(rleFromPolygons(polygons, image.height, image.width));
  return { rle: unionOf(parts) };
}

/** Box around rectangles. */
function boxAround(regions: readonly DrawnRegion[]): TableObject['box'] {
  const corners = regions.flatMap((region) =>
    region.kind === 'rectangle' ? [region.corners] : [],
  );
  const [x1, y1, x2, y2] = extentOf(corners);
  return [x1, y1, x2 - x1, y2 - y1];
}
