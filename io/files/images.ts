import { extname } from 'node:path';

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png']);

/** Whether a file is a JPEG or PNG image by its extension, ignoring case. */
export function isImageName(name: string): boolean {
  return EXTENSIONS.has(extname(name).toLowerCase());
}
