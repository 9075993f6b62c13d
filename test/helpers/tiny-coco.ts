import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';

/** Content of a COCO file; a test changes what its case is about. */
export interface TinyCoco {
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
  categories: Record<string, unknown>[];
}

/** Size of the images. */
export const TINY_SIZE = { width: 96, height: 72 } as const;

/** Two squares an image, of the categories bolt and nut, with masks. @param first id of the first image */
export function tinyCoco(numImages: number, first = 1): TinyCoco {
  const images = Array.from({ length: numImages }, (_, i) => ({
    id: first + i,
    file_name: `p${first + i}.png`,
    ...TINY_SIZE,
  }));
  const annotations = images.flatMap(({ id }, i) =>
    [0, 1].map((k) => {
      const [x, y, side] = [4 + 44 * k, 8 + i, 24];
      return {
        id: 10 * id + k,
        image_id: id,
        category_id: k + 1,
        iscrowd: 0,
        bbox: [x, y, side, side],
        area: side * side,
        segmentation: [[x, y, x + side, y, x + side, y + side, x, y + side]],
      };
    }),
  );
  const categories = ['bolt', 'nut'].map((name, k) => ({ id: k + 1, name }));
  return { images, annotations, categories };
}

/** Writes a PNG of one gray. */
export function writeGray(
  file: string,
  { width, height } = TINY_SIZE as { width: number; height: number },
): void {
  mkdirSync(dirname(file), { recursive: true });
  const png = new PNG({ width, height });
  png.data.fill(128);
  for (let i = 3; i < png.data.length; i += 4) png.data[i] = 255;
  writeFileSync(file, PNG.sync.write(png));
}

/**
 * Writes `annotations/instances_{train,val}.json` with their images: four to train on, two to validate on.
 *
 * @param change changes the contents before they are written; the images have been written with their listed sizes
 */
export function writeTinyCoco(
  root: string,
  change: (parts: { train: TinyCoco; val: TinyCoco }) => void = () => undefined,
): void {
  const parts = { train: tinyCoco(4), val: tinyCoco(2, 101) };
  for (const [part, { images }] of Object.entries(parts))
    for (const { file_name: name } of images) writeGray(join(root, part, String(name)));
  change(parts);
  mkdirSync(join(root, 'annotations'), { recursive: true });
  for (const [part, content] of Object.entries(parts))
    writeFileSync(join(root, `annotations/instances_${part}.json`), JSON.stringify(content));
}
