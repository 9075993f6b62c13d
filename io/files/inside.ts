import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';

/** Whether a path leads into a folder, or is it, also by links and through parts that do not exist yet. */
export function leadsInto(path: string, folder: string): boolean {
  const inside = relative(realPathOf(folder), realPathOf(path));
  return !isAbsolute(inside) && inside.split(sep)[0] !== '..';
}

function realPathOf(path: string): string {
  let nearest = resolve(path);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return resolve(realpathSync(nearest), relative(nearest, resolve(path)));
}
