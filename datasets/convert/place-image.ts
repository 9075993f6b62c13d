import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openFile, readable } from '../../io/files/read.js';
import { isEmbedded } from '../../io/image/bytes.js';
import { decodeImage } from '../../io/image/decode.js';
import { encodeRgbPng } from '../../io/png/write.js';

/**
 * Links or copies an image to a new place, whose folder is created. Where the system allows no links, it is copied; an image
 * that is embedded in an annotation file is written as PNG, upright.
 *
 * @param from absolute path
 * @throws DataError for a pipe, a device or a file that cannot be read
 */
export async function placeImage(from: string, to: string, how: 'link' | 'copy'): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  if (isEmbedded(from)) {
    await writeFile(to, encodeRgbPng(await decodeImage(from, { upright: true })));
    return;
  }
  await readable(
    from,
    openFile(from).then((handle) => handle.close()),
  );
  if (how === 'link' && (await isLinked(from, to))) return;
  await copyFile(from, to);
}

/** Links a file. @returns false where the system does not allow links */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await symlink(from, to);
    return true;
  } catch (error) {
    if (['EPERM', 'ENOSYS', 'ENOTSUP'].includes(String((error as NodeJS.ErrnoException).code)))
      return false;
    throw error;
  }
}
