import type { Rle } from './rle.js';

/** Region of an image as drawn in an annotation tool, in pixels. */
export type DrawnRegion =
  | {
      readonly kind: 'rectangle';
      /** x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2. */
      readonly corners: readonly [number, number, number, number];
    }
  | {
      readonly kind: 'polygon';
      /** `[x0, y0, x1, y1, …]`, closed implicitly. */
      readonly points: readonly number[];
    }
  | {
      readonly kind: 'ellipse';
      readonly center: readonly [x: number, y: number];
      readonly radii: readonly [number, number];
      /** Angle of the first radius, radians, clockwise from the x axis. */
      readonly angle: number;
    }
  | {
      readonly kind: 'mask';
      /** Position of its first pixel, which may be outside of the image. */
      readonly x: number;
      readonly y: number;
      readonly mask: Rle;
    };

/** Creates a rectangle from two opposite corners in any order. */
export function rectangleBetween(x1: number, y1: number, x2: number, y2: number): DrawnRegion {
  const corners = [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)] as const;
  return { kind: 'rectangle', corners };
}

/** Largest distance of a circle from the polygon in it, pixels. */
const TOLERANCE_PX = 0.05;
const MAX_VERTICES = 720;

/**
 * Outline of a region that is no mask, `[x0, y0, …]`. Ellipses become polygons that deviate by 0.05 px or less, with
 * vertices at the ends of the radii.
 */
export function outlineOf(
  region: Exclude<DrawnRegion, { readonly kind: 'mask' }>,
): readonly number[] {
  switch (region.kind) {
    case 'polygon':
      return region.points;
    case 'rectangle': {
      const [x1, y1, x2, y2] = region.corners;
      return [x1, y1, x2, y1, x2, y2, x1, y2];
    }
    case 'ellipse': {
      const [a, b] = region.radii;
      const deviation = Math.min(1, TOLERANCE_PX / Math.max(a, b));
      const quarter = Math.ceil(Math.PI / Math.acos(1 - deviation) / 4);
      const numVertices = Math.min(MAX_VERTICES, 4 * Math.max(2, quarter));
      const [cos, sin] = [Math.cos(region.angle), Math.sin(region.angle)];
      const points: number[] = [];
      for (let i = 0; i < numVertices; i++) {
        const t = (2 * Math.PI * i) / numVertices;
        const [x, y] = [a * Math.cos(t), b * Math.sin(t)];
        points.push(region.center[0] + x * cos - y * sin, region.center[1] + x * sin + y * cos);
      }
      return points;
    }
    default:
      return region satisfies never;
  }
}
