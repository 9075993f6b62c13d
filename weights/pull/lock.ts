import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { WorkError } from '../../core/errors.js';

/**
 * Runs `work` under a lock on the file: two downloads that append to one file would produce a corrupt file with a valid
 * record.
 *
 * @throws WorkError if another live process holds the lock
 */
export async function withLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  await acquire(path);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string): Promise<void> {
  const owner = `${hostname()} ${process.pid}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(owner);
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readFile(path, 'utf8').catch(() => '');
      if (isAlive(holder) || attempt > 0) {
        throw new WorkError(
          `pull: expected no other download of this file, got one by process ${holder} (if it is gone, delete ${path})`,
        );
      }
      await rm(path, { force: true });
    }
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
