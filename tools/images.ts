import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../core/errors.js';
import { isImageName } from '../io/files/images.js';

/**
 * Lists the image files of the arguments: files, and the JPEG and PNG files of folders in order of name.
 *
 * @throws DataError for missing files and folders, and for folders without images
 */
export function listImages(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path))
      throw DataError.in(path, 'expected an image or a folder of images, got no such file');
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path)
      .filter(isImageName)
      .sort()
      .map((name) => join(path, name));
    if (files.length === 0) throw DataError.in(path, 'expected JPEG or PNG files, got none');
    return files;
  });
}
