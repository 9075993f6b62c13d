/**
 * Traces the outlines of a mask along pixel borders: one closed polygon of whole coordinates per 4-connected component. A
 * component with a hole cannot be represented by COCO polygons, whose union is taken.
 *
 * @param mask `[H, W]`, 0 or 1
 * @returns flat lists `x0, y0, x1, y1, …`; undefined if there is a hole
 */
export function traceOutlines(
  mask: Uint8Array,
  width: number,
  height: number,
): readonly (readonly number[])[] | undefined {
  const at = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  // Upper sides of pixels, traversed to the right; each belongs to one outline.
  const pending = new Set<number>();
  for (let i = 0; i < mask.length; i++)
    if (mask[i] === 1 && (i < width || mask[i - width] === 0)) pending.add(i);
  const polygons: number[][] = [];
  for (const start of pending) {
    const outline = walk(start % width, Math.floor(start / width), at, (x, y) =>
      pending.delete(y * width + x),
    );
    // With the mask on the right hand, outer borders run clockwise (y points down) and have positive area.
    if (signedArea(outline) < 0) return undefined;
    polygons.push(outline);
  }
  return polygons;
}

/** Steps to the right, down, left and up, with the pixels right and left of the step that begins at a corner. */
const STEPS = [
  { dx: 1, dy: 0, right: [0, 0], left: [0, -1] },
  { dx: 0, dy: 1, right: [-1, 0], left: [0, 0] },
  { dx: -1, dy: 0, right: [-1, -1], left: [-1, 0] },
  { dx: 0, dy: -1, right: [0, -1], left: [-1, -1] },
] as const;

function walk(
  startX: number,
  startY: number,
  at: (x: number, y: number) => boolean,
  visitUpperSide: (x: number, y: number) => void,
): number[] {
  const corners: number[] = [];
  let [x, y, direction] = [startX, startY, 0];
  do {
    if (direction === 0) visitUpperSide(x, y);
    x += STEPS[direction].dx;
    y += STEPS[direction].dy;
    // Turn right if possible, so that components that touch only at a corner stay separate.
    for (const turn of [1, 0, 3]) {
      const next = (direction + turn) % 4;
      const { right, left } = STEPS[next];
      if (!at(x + right[0], y + right[1]) || at(x + left[0], y + left[1])) continue;
      if (turn !== 0) corners.push(x, y);
      direction = next;
      break;
    }
  } while (x !== startX || y !== startY || direction !== 0);
  return corners;
}

/** Twice the signed area, positive if the outline runs clockwise on a screen. */
function signedArea(polygon: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    twice += polygon[i] * polygon[next + 1] - polygon[next] * polygon[i + 1];
  }
  return twice;
}
