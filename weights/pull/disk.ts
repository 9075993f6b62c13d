import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WriteError } from '../../core/errors.js';

/** Reasons for which a disk takes no more bytes. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left',
  EDQUOT: 'the quota used up',
  EFBIG: 'a limit on the size of files',
  EROFS: 'a read-only file system',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOTDIR: 'a file in place of a folder',
  EEXIST: 'a file in place of a folder',
  ENOENT: 'no folder to write into', // also of a read-only file system
  ELOOP: 'links in a loop',
  ENAMETOOLONG: 'a name that is too long',
};

const OTHER_FOLDER = 'choose another folder with --cache or CONVNEXTV2_CACHE';
const MAKE_ROOM = `free some, or ${OTHER_FOLDER}; what was received stays, pull again to resume`;
/** Codes of a full disk. */
const FULL = ['ENOSPC', 'EDQUOT'];

/** Checks that a file fits on its disk before it is downloaded. @throws WorkError with both sizes */
export async function assertRoom(file: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize >= bytes) return;
  throw new WriteError(
    `pull: ${file}: expected ${megabytes(bytes)} of free space, got ${megabytes(bavail * bsize)}; ${MAKE_ROOM}`,
  );
}

/** Error of a write with its reason and the remedy, for those of a full or protected disk; any other error as it is. */
export function explainedWrite(error: unknown, file: string): unknown {
  const { code = '' } = error as Partial<NodeJS.ErrnoException>;
  const reason = REASONS[code];
  if (reason === undefined) return error;
  const remedy = FULL.includes(code) ? MAKE_ROOM : OTHER_FOLDER;
  return new WriteError(`pull: ${file}: expected to write it, got ${reason}; ${remedy}`, {
    cause: error,
  });
}

/** Formats a size. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
