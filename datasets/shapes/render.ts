import type { LabelMap, RgbImage } from '../../core/image.js';
import type { Cutout } from '../transforms/mask-grid.js';
import type { Scene } from './scene.js';
import { shade } from './texture.js';

/** Renders a scene in color. */
export function renderScene({ width, height, ground, objects, owners }: Scene): RgbImage {
  const data = new Uint8Array(width * height * 3); // [H, W, 3]
  for (let y = 0, pixel = 0; y < height; y++)
    for (let x = 0; x < width; x++, pixel++) {
      const owner = owners[pixel];
      shade(owner === 0 ? ground : objects[owner - 1].texture, x, y, data, 3 * pixel);
    }
  return { width, height, data };
}

/** Renders the semantic labels of a scene: 0 for the background, 1 + class index for objects. */
export function sceneLabels({ width, height, objects, owners }: Scene): LabelMap {
  const data = owners.map((owner) => (owner === 0 ? 0 : 1 + objects[owner - 1].classIndex));
  return { width, height, data };
}

/** Collects the visible pixels of every object in one pass over the picture. */
export function visibleMasks({ width, height, objects, owners }: Scene): readonly Cutout[] {
  const boxes = objects.map(() => ({ x1: width, y1: height, x2: 0, y2: 0 }));
  for (let y = 0, pixel = 0; y < height; y++)
    for (let x = 0; x < width; x++, pixel++) {
      if (owners[pixel] === 0) continue;
      const box = boxes[owners[pixel] - 1];
      if (x < box.x1) box.x1 = x;
      if (x >= box.x2) box.x2 = x + 1;
      if (y < box.y1) box.y1 = y;
      if (y >= box.y2) box.y2 = y + 1;
    }
  return boxes.map(({ x1, y1, x2, y2 }, o) => {
    const [w, h] = [x2 - x1, y2 - y1];
    const bits = new Uint8Array(w * h);
    for (let y = 0, at = 0; y < h; y++)
      for (let x = 0; x < w; x++, at++)
        if (owners[(y1 + y) * width + x1 + x] === o + 1) bits[at] = 1;
    return { left: x1, top: y1, width: w, height: h, bits };
  });
}
