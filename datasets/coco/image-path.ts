import { join, resolve, sep } from 'node:path';

/**
 * Whether a `file_name` stays inside the image folder: no absolute path, no drive, no URL, no way up and out. Backslashes
 * count as separators on every system, so that a set is judged alike everywhere.
 */
export function staysInside(fileName: string): boolean {
  const path = fileName.replaceAll('\\', '/');
  if (path.includes('\0') || path.startsWith('/') || /^[a-z]+:/i.test(path)) return false;
  const root = resolve(sep, 'images');
  return resolve(root, path).startsWith(root + sep);
}

/** The path of an image. Names that lead out of the folder are refused when a set is loaded. */
export function imagePath(folder: string, fileName: string): string {
  return join(folder, fileName);
}
