import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkError } from '../../core/errors.js';

/** Pause between two looks at a lock that another process holds, in milliseconds. */
const PAUSE_MS = 200;

/** Waiting for a lock. */
export interface LockWait {
  /** Called once with the holder before waiting for it. */
  readonly onWait: (holder: string) => void;
  /** A number that changes while the holder works, e.g. the size of its file. */
  readonly progress: () => Promise<number>;
  /** Time without a change after which waiting ends; default 60,000 ms. */
  readonly stallMs?: number | undefined;
}

/**
 * Runs `work` under a lock on the file: two downloads that append to one file would produce a corrupt file with a valid
 * record.
 *
 * @param wait how to wait for another process that holds the lock; absent: that is an error
 * @throws WorkError if another live process holds the lock, or does not move on
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  wait?: LockWait,
): Promise<Result> {
  await acquire(path, wait);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, wait?: LockWait): Promise<void> {
  const owner = `${hostname()} ${process.pid}`;
  let seen: { readonly progress: number; readonly atMs: number } | undefined;
  for (let attempt = 0; ;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(owner);
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (isAlive(holder) && wait) {
      const progress = await wait.progress();
      if (!seen) wait.onWait(holder);
      if (progress !== seen?.progress) seen = { progress, atMs: performance.now() };
      else if (performance.now() - seen.atMs > (wait.stallMs ?? 60_000)) throw held(path, holder);
      await delay(PAUSE_MS);
    } else if (isAlive(holder) || attempt++ > 0) {
      throw held(path, holder);
    } else await rm(path, { force: true });
  }
}

function held(path: string, holder: string): WorkError {
  return new WorkError(
    `pull: expected no other download of this file, got one by process ${holder} (if it is gone, delete ${path})`,
  );
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
