import { readFileSync } from 'node:fs';
import type { ClassMap } from '../coco/class-map.js';

/** The 80 classes of COCO's detection task with the category ids of its annotation files, for weight files without. */
export function cocoClasses(): ClassMap {
  const text = readFileSync(new URL('./coco.txt', import.meta.url), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((row) => row.split('\t'));
  return { names: rows.map(([, name]) => name), categoryIds: rows.map(([id]) => Number(id)) };
}
