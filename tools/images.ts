import { existsSync, statSync } from 'node:fs';
import { ImageError } from '../core/errors.js';
import { describeSkipped, imagesBelow } from '../io/files/images.js';

/** Images of arguments, and lines about the files of folders that are skipped. */
interface ListedImages {
  readonly files: readonly string[];
  readonly notices: readonly string[];
}

/**
 * Lists the image files of the arguments: files, and the images of folders and of those below them in order of path,
 * each file once.
 *
 * @throws DataError for missing files and folders, and for folders without images
 */
export function listImages(paths: readonly string[]): ListedImages {
  const notices: string[] = [];
  const files = paths.flatMap((path) => {
    if (!existsSync(path))
      throw ImageError.in(path, 'expected an image or a folder of images, got no such file');
    if (!statSync(path).isDirectory()) return [path];
    const { images, others } = imagesBelow(path);
    const skipped = describeSkipped(others);
    if (images.length === 0)
      throw ImageError.in(
        path,
        `expected images, got none${skipped === undefined ? '' : `; ${skipped}`}`,
      );
    if (skipped !== undefined) notices.push(`${path}: ${skipped}`);
    return images;
  });
  return { files, notices };
}
