import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkError } from '../../core/errors.js';

/** Pause between two looks at a lock that another process holds, in milliseconds. */
const PAUSE_MS = 200;

/**
 * Runs `work` under a lock on the file: two downloads that append to one file would produce a corrupt file with a valid
 * record.
 *
 * @param onWait called once with the holder before waiting for it; absent: a held lock is an error
 * @throws WorkError if another live process holds the lock
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  onWait?: (holder: string) => void,
): Promise<Result> {
  await acquire(path, onWait);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, onWait?: (holder: string) => void): Promise<void> {
  const owner = `${hostname()} ${process.pid}`;
  for (let isWaiting = false, attempt = 0; ;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(owner);
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (isAlive(holder) && onWait) {
      if (!isWaiting) onWait(holder);
      isWaiting = true;
      await delay(PAUSE_MS);
    } else if (isAlive(holder) || attempt++ > 0) {
      throw new WorkError(
        `pull: expected no other download of this file, got one by process ${holder} (if it is gone, delete ${path})`,
      );
    } else await rm(path, { force: true });
  }
}

/** A process of another machine cannot be checked and is assumed alive. */
function isAlive(holder: string): boolean {
  const [host, pid] = holder.split(' ');
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
