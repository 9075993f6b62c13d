import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRgbPng } from 'convnextv2';
import { Random } from '../dist/core/random.js';

/** Shapes of the generated classification set by class index. */
export const SHAPE_CLASSES = ['circle', 'square', 'triangle', 'star', 'cross', 'ring'];

/**
 * Writes a classification set in class folders: one shape per image with random position, size, color and small rotation,
 * on a darker noisy background.
 *
 * @param {string} root
 * @param {Record<"trainPerClass" | "valPerClass" | "sizePx" | "seed", number>} options
 * @returns number of images written
 */
export function writeShapeClasses(root, options) {
  let written = 0;
  for (const [split, count] of [
    ['train', options.trainPerClass],
    ['val', options.valPerClass],
  ]) {
    SHAPE_CLASSES.forEach((name, classIndex) => {
      const folder = join(root, split, name);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < count; i++) {
        const random = new Random(options.seed, split === 'train' ? 0 : 1, classIndex, i);
        const image = drawShape(classIndex, options.sizePx, random);
        writeFileSync(join(folder, `${String(i).padStart(4, '0')}.png`), encodeRgbPng(image));
        written++;
      }
    });
  }
  return written;
}

/** Draws one picture of a class. */
function drawShape(classIndex, sizePx, random) {
  const data = new Uint8Array(sizePx * sizePx * 3);
  const radius = sizePx * random.between(0.28, 0.42);
  const [cx, cy] = [0, 1].map(() => random.between(radius, sizePx - radius));
  const turn = random.between(-0.35, 0.35);
  const color = [0, 1, 2].map(() => random.between(140, 255));
  const ground = [0, 1, 2].map(() => random.between(0, 110));
  const [cos, sin] = [Math.cos(turn) / radius, Math.sin(turn) / radius];
  for (let y = 0, p = 0; y < sizePx; y++) {
    for (let x = 0; x < sizePx; x++) {
      const u = (x + 0.5 - cx) * cos + (y + 0.5 - cy) * sin;
      const v = (y + 0.5 - cy) * cos - (x + 0.5 - cx) * sin;
      const base = isInside(classIndex, u, v) ? color : ground;
      const noise = random.between(-20, 20);
      for (let c = 0; c < 3; c++, p++) data[p] = Math.min(255, Math.max(0, base[c] + noise));
    }
  }
  return { width: sizePx, height: sizePx, data };
}

/** Whether a point belongs to a shape of radius 1 around the origin. */
function isInside(classIndex, u, v) {
  const distance = Math.hypot(u, v);
  switch (SHAPE_CLASSES[classIndex]) {
    case 'circle':
      return distance < 0.85;
    case 'square':
      return Math.max(Math.abs(u), Math.abs(v)) < 0.75;
    case 'triangle':
      return v < 0.5 && v > -1 + 1.75 * Math.abs(u);
    case 'star':
      return distance < 0.62 + 0.38 * Math.cos(5 * Math.atan2(v, u));
    case 'cross':
      return Math.min(Math.abs(u), Math.abs(v)) < 0.24 && Math.max(Math.abs(u), Math.abs(v)) < 0.95;
    case 'ring':
      return distance < 0.9 && distance > 0.55;
  }
}
