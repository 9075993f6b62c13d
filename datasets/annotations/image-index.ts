import { posix } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { listFiles } from '../../io/files/list.js';

/** The images of a folder, found by the names that annotation files have or give. */
export class ImageIndex {
  private readonly byPath = new Map<string, string>();
  private readonly byStem = new Map<string, string>();
  /** By the last part of the path; empty where several images have it. */
  private readonly byName = new Map<string, string>();

  private constructor(readonly paths: readonly string[]) {
    for (const path of paths) {
      this.byPath.set(fold(path), path);
      this.byStem.set(fold(withoutExtension(path)), path);
      const name = fold(withoutExtension(posix.basename(path)));
      this.byName.set(name, this.byName.has(name) ? '' : path);
    }
  }

  /** Lists the images below a folder; none if there is no folder. */
  static of(folder: string | undefined): ImageIndex {
    return new ImageIndex(folder === undefined ? [] : listFiles(folder, isImageName));
  }

  /** Finds an image by its path in the folder; case and Unicode normal form may differ. */
  at(path: string): string | undefined {
    return this.byPath.get(fold(path));
  }

  /**
   * Finds the image of an annotation file.
   *
   * @param stem path of the annotation file relative to its folder, without extension
   * @param named path that the file gives, if any
   * @returns the image with the same path, or else name, or else the named one
   */
  find(stem: string, named = ''): string | undefined {
    const path = named.replaceAll('\\', '/');
    const key = fold(stem);
    const own = this.byStem.get(key);
    // Several images may differ only in their extension.
    const sibling = posix.join(posix.dirname(stem), posix.basename(path));
    if (own !== undefined)
      return withoutExtension(sibling) === stem ? (this.at(sibling) ?? own) : own;
    return (
      this.at(path) ||
      this.byName.get(posix.basename(key)) ||
      this.byName.get(fold(withoutExtension(posix.basename(path)))) ||
      undefined
    );
  }
}

/** Path without its extension; names may contain dots, and may lack an extension. */
export function withoutExtension(path: string): string {
  const extension = posix.extname(path);
  return /^\.\w{1,5}$/.test(extension) ? path.slice(0, -extension.length) : path;
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
