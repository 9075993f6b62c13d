import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Report } from '../../io/coco/issues.js';
import { isImageName } from '../../io/files/images.js';
import { readText } from '../../io/files/text.js';

/** Longest path that is looked for, as long as systems allow. */
export const MAX_PATH = 4096;
/** Number of lines of a list that are tried until one leads to an image. */
const TRIED = 20;

/**
 * Finds the images of a text file: paths relative to it or to the folder, or absolute. Others are reported.
 *
 * @returns full paths, and paths relative to the folder with `/`
 */
export function listedImages(
  list: string,
  folder: string,
  report: Report = () => undefined,
): readonly { readonly full: string; readonly fileName: string }[] {
  const lines = linesOf(list);
  const find = finderOf(lines, [dirname(list), folder]);
  return lines.flatMap((path, i) => {
    if (path === '') return [];
    const full = find(path);
    if (full !== undefined && isBelow(full, folder))
      return [{ full, fileName: relative(folder, full).split(sep).join('/') }];
    const got = full === undefined ? 'none' : 'one elsewhere';
    report({
      code: 'schema',
      file: list,
      message: `line ${i + 1}: expected the image ${path} below ${folder}, got ${got}`,
    });
    return [];
  });
}

/**
 * Finds the folder of the images of a list: its own, or the one that holds all of them.
 *
 * @returns undefined if no line leads to an image
 */
export function folderOfList(list: string): string | undefined {
  const own = dirname(list);
  const lines = linesOf(list).filter(isImageName);
  const find = finderOf(lines, [own]);
  let first: string | undefined;
  for (const line of lines) if ((first ??= find(line)) !== undefined) break;
  if (first === undefined) return undefined;
  if (isBelow(first, own)) return own;
  const common = commonFolder(lines.flatMap((line) => find(line) ?? []));
  return common === sep ? own : common;
}

/** The deepest folder that holds all paths. */
export function commonFolder(paths: readonly string[]): string {
  let base = dirname(paths[0]);
  const isInside = (path: string): boolean => path.startsWith(base === sep ? sep : base + sep);
  for (const path of paths) while (!isInside(path)) base = dirname(base);
  return base;
}

function linesOf(list: string): readonly string[] {
  return readText(list, 'a list of images')
    .split('\n')
    .map((line) => line.trim());
}

function isBelow(path: string, folder: string): boolean {
  const own = relative(folder, path);
  return !own.startsWith('..') && !isAbsolute(own);
}

/**
 * Creates a function that finds listed images from one of several folders. The list may have been written where the set
 * had another place (CVAT's begin with `data/`): then all paths are without as many folders as those of the first one that
 * leads to an image.
 */
function finderOf(
  lines: readonly string[],
  bases: readonly string[],
): (path: string) => string | undefined {
  const find = (path: string, numAway: number): string | undefined => {
    if (path.length > MAX_PATH) return undefined;
    const words = path.split(/[/\\]/).slice(numAway).join('/');
    const own = numAway === 0 && path !== words ? [path, words] : [words];
    return own
      .flatMap((name) => bases.map((base) => resolve(base, name)))
      .find((full) => existsSync(full));
  };
  for (const path of lines
    .filter((line) => line !== '' && line.length <= MAX_PATH)
    .slice(0, TRIED)) {
    const numFolders = path.split(/[/\\]/).length;
    for (let away = 0; away < numFolders; away++)
      if (find(path, away) !== undefined)
        return (own) => find(own, 0) ?? (away > 0 ? find(own, away) : undefined);
  }
  return (own) => find(own, 0);
}
