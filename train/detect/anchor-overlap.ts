import { baseAnchors, type AnchorConfig } from '../../core/anchors.js';
import type { InputObject } from './learned-objects.js';

/** Computes the largest IoU of an object with an anchor of any level: that of the nearest cell. */
export function anchorOverlap(
  { box: [x, y, w, h], input }: InputObject,
  config: AnchorConfig,
): number {
  let best = 0;
  for (const stride of config.strides) {
    const base = baseAnchors(stride, config);
    const nearest = (center: number, side: number): number =>
      stride * Math.max(0, Math.min(Math.ceil(side / stride) - 1, Math.round(center / stride)));
    const [cx, cy] = [nearest(x + w / 2, input.width), nearest(y + h / 2, input.height)];
    for (let b = 0; b < base.length; b += 4) {
      const [left, top] = [cx + base[b], cy + base[b + 1]];
      const [right, bottom] = [cx + base[b + 2], cy + base[b + 3]];
      const both =
        Math.max(0, Math.min(right, x + w) - Math.max(left, x)) *
        Math.max(0, Math.min(bottom, y + h) - Math.max(top, y));
      best = Math.max(best, both / (w * h + (right - left) * (bottom - top) - both));
    }
  }
  return best;
}
