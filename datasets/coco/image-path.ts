import { resolve, sep } from 'node:path';

/**
 * Whether a `file_name` stays inside the image folder, as loading a set demands: no absolute path, drive, URL or escape with `..`. Backslashes are
 * separators on every system, so that the result does not depend on the system.
 */
export function staysInside(fileName: string): boolean {
  const path = fileName.replaceAll('\\', '/');
  if (path.includes('\0') || path.startsWith('/') || /^[a-z]+:/i.test(path)) return false;
  const root = resolve(sep, 'images');
  return resolve(root, path).startsWith(root + sep);
}
