import { join, resolve, sep } from 'node:path';

/**
 * Whether a `file_name` stays inside the image folder: no absolute path, drive, URL or escape with `..`. Backslashes are
 * separators on every system, so that the result does not depend on the system.
 */
export function staysInside(fileName: string): boolean {
  const path = fileName.replaceAll('\\', '/');
  if (path.includes('\0') || path.startsWith('/') || /^[a-z]+:/i.test(path)) return false;
  const root = resolve(sep, 'images');
  return resolve(root, path).startsWith(root + sep);
}

/** Path of an image. Loading a set rejects names that lead out of the folder. */
export function imagePath(folder: string, fileName: string): string {
  return join(folder, fileName);
}
