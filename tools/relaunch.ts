import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { findLauncher, isSocket } from './distributed.js';

/** Set in the process that runs with the settings below: the number of the process that started it. */
const MARK = 'CONVNEXTV2_RELAUNCHED';

/**
 * Allocator settings for the work that touches much memory: huge pages, no returning of pages to the system, and no caches of
 * small freed pieces, which would lie between large ones and keep them apart. They only take effect at process start, as the
 * variable `GLIBC_TUNABLES`.
 */
export const ALLOCATOR_SETTINGS = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=1099511627776',
  'glibc.malloc.top_pad=67108864',
  'glibc.malloc.tcache_count=0',
  'glibc.malloc.mxfast=0',
].join(':');

/** How often a rank looks whether the process that started it is still there. */
const PARENT_CHECK_MS = 500;

/**
 * Whether this verb should run in a process of its own: with the allocator settings and, under mpiexec, watched by the one that
 * stays, which tells which rank was killed.
 */
export function needsRelaunch(verb: string | undefined): boolean {
  const heavy = ['train', 'eval', 'predict', 'benchmark', 'demo'];
  return (
    process.platform === 'linux' &&
    verb !== undefined &&
    heavy.includes(verb) &&
    !process.argv.includes('--help') &&
    process.env[MARK] === undefined &&
    (process.env['GLIBC_TUNABLES'] === undefined || findLauncher(process.env) !== undefined)
  );
}

/** Runs the same command line again with the settings; resolves to its exit code. */
export function relaunch(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: stdio(process.env['PMI_FD']),
    env: { GLIBC_TUNABLES: ALLOCATOR_SETTINGS, ...process.env, [MARK]: String(process.pid) },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCONT'] as const;
  let isTold = false;
  // Ctrl-C reaches the whole group; this process only waits for the child to end in its own way.
  const forward = (signal: NodeJS.Signals): void => {
    isTold ||= signal !== 'SIGCONT';
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  signals.forEach((signal) => process.on(signal, forward));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const launcher = findLauncher(process.env);
      if (signal !== null && launcher && !isTold)
        console.error(`rank ${launcher.rank ?? '?'} (process ${child.pid}): ended by ${signal}`);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGHUP']);
    });
  });
}

/** Ends a relaunched rank whose watching process is gone: mpiexec knows of that one only. */
export function endWithParent(): void {
  const parent = Number(process.env[MARK]);
  if (!(parent > 1) || findLauncher(process.env) === undefined) return;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, PARENT_CHECK_MS).unref();
}

/** Everything is inherited; so is the file through which MPICH's mpiexec talks, which Node would close. */
function stdio(pmiFile: string | undefined): StdioOptions {
  const fd = Number(pmiFile);
  if (pmiFile === undefined || !(fd > 2) || !isSocket(fd)) return 'inherit';
  return Array.from({ length: fd + 1 }, (_, i) => (i < 3 ? 'inherit' : i === fd ? fd : 'ignore'));
}
