import type { Rectangle } from './picture.js';

/** A tag that is placed near its box. */
interface TagRequest {
  readonly width: number;
  readonly height: number;
  readonly box: Rectangle;
}

/** Gap between tags, so that adjacent tags of one class stay distinct. */
const GAP_PX = 1;

interface Candidate extends Rectangle {
  readonly cost: number;
}

/**
 * Places tags: above the box's left corner if that is free, else at another corner, inside or along the edges. If all
 * positions are taken, uses the one that hides least of earlier tags. Tags are placed in order.
 *
 * @param bounds size of the picture; tags are kept inside as far as they fit
 */
export function placeTags(
  requests: readonly TagRequest[],
  bounds: { readonly width: number; readonly height: number },
): readonly Rectangle[] {
  const placed: Rectangle[] = [];
  for (const request of requests) {
    let best: Candidate | undefined;
    let least = Infinity;
    for (const candidate of candidates(request, bounds)) {
      const hidden = placed.reduce((sum, other) => sum + overlap(candidate, other), 0);
      const cost = candidate.cost + (4 * hidden) / (request.width * request.height);
      if (cost >= least) continue;
      least = cost;
      best = candidate;
      if (cost === 0) break;
    }
    if (best) {
      const { x, y, width, height } = best;
      placed.push({ x, y, width, height });
    }
  }
  return placed;
}

function candidates(
  { width, height, box }: TagRequest,
  bounds: { readonly width: number; readonly height: number },
): readonly Candidate[] {
  const [right, bottom] = [box.x + box.width - width, box.y + box.height];
  const hides = box.height < 2.5 * height || box.width < width;
  const inside = hides ? 1.2 : 0.3;
  const wanted: [x: number, y: number, cost: number][] = [
    [box.x, box.y - height, 0],
    [box.x, box.y, inside],
    [box.x, bottom, 0.5],
    [right, box.y - height, 0.6],
    [right, box.y, inside + 0.35],
    [box.x, bottom - height, inside + 0.4],
    [right, bottom - height, inside + 0.5],
    [right, bottom, 0.9],
    [box.x + box.width, box.y, 1],
    [box.x - width, box.y, 1.1],
  ];
  for (let step = 1; step < 6 && !hides; step++) {
    if ((step + 1) * height > box.height) break;
    wanted.push([box.x, box.y + step * height, inside + 0.2 * step]);
  }
  for (let up = 0; up <= 3; up++)
    for (let aside = -2; aside <= 2; aside++)
      wanted.push([
        box.x + (aside * width) / 2,
        box.y - (1 + up) * height,
        0.6 * Math.abs(aside) + 0.7 * up + 0.4,
      ]);
  return wanted.map(([x, y, cost]) => {
    const inBounds = {
      x: Math.round(Math.max(0, Math.min(x, bounds.width - width))),
      y: Math.round(Math.max(0, Math.min(y, bounds.height - height))),
    };
    const moved = Math.abs(inBounds.x - x) / width + Math.abs(inBounds.y - y) / height;
    // A tag that is moved back into the picture may cover its box.
    return { ...inBounds, width, height, cost: cost + (moved > 0.1 ? 0.4 * moved : 0) };
  });
}

/** Area of the intersection of two rectangles, including the gap between tags. */
function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + GAP_PX;
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + GAP_PX;
  return width > 0 && height > 0 ? width * height : 0;
}
