import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { Random } from '../../core/random.js';

/**
 * A folder `train/CLASS/N.png` and `val/CLASS/N.png` of small noisy pictures whose hue tells the class.
 *
 * @returns its path, in the system's temporary folder
 */
export function writeTinyClasses({ classes = 3, perClass = 8, sizePx = 40 } = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'convnextv2-classes-'));
  const random = new Random(5);
  for (const split of ['train', 'val']) {
    for (let k = 0; k < classes; k++) {
      const folder = join(root, split, `class${k}`);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < perClass; i++) {
        const png = new PNG({ width: sizePx, height: sizePx + k });
        for (let p = 0; p < png.data.length; p += 4) {
          for (let c = 0; c < 3; c++)
            png.data[p + c] = random.integer(120) + (c === k % 3 ? 120 : 0);
          png.data[p + 3] = 255;
        }
        writeFileSync(join(folder, `${i}.png`), PNG.sync.write(png));
      }
    }
  }
  return root;
}
