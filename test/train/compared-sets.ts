import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../core/random.js';
import { encodeLabelPng, encodeRgbPng } from '../../io/png/write.js';
import { writeAtomically } from '../../io/files/atomic.js';
import { writeTinyCoco } from '../helpers/tiny-coco.js';

const CLASSES = ['bolt', 'nut'];

/** Writes a set of each task: `coco`, `pixels` and `classes`. */
export async function writeComparedSets(path: (name: string) => string): Promise<void> {
  writeTinyCoco(path('coco'));
  const random = new Random(2);
  for (let i = 0; i < 6; i++) {
    const data = Uint8Array.from({ length: 48 * 40 * 3 }, () => random.integer(256));
    const labels = Uint8Array.from({ length: 48 * 40 }, (_, p) => (p % 48 < 8 * i ? 0 : 1));
    const image = encodeRgbPng({ width: 48, height: 40, data });
    const [split, name] = [i < 2 ? 'train' : 'val', `${i}.png`];
    const files = {
      [join('pixels/images', split, name)]: image,
      [join('pixels/labels', split, name)]: encodeLabelPng({ width: 48, height: 40, data: labels }),
      [join('classes', split, CLASSES[i % 2], name)]: image,
    };
    for (const [file, bytes] of Object.entries(files)) {
      mkdirSync(join(path(file), '..'), { recursive: true });
      await writeAtomically(path(file), bytes);
    }
  }
  await writeAtomically(path('pixels/classes.txt'), Buffer.from(CLASSES.join('\n')));
}
