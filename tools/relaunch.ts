import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { findLauncher, isSocket } from './launcher.js';

/** Variable set in the process with the settings below: the id of its parent process. */
const MARK = 'CONVNEXTV2_RELAUNCHED';

/**
 * Allocator settings for work with much memory: huge pages, no return of pages to the system, and no caches of small
 * freed chunks, which would fragment large ones. They take effect only at process start, as the variable
 * `GLIBC_TUNABLES`.
 */
export const ALLOCATOR_SETTINGS = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=1099511627776',
  'glibc.malloc.top_pad=67108864',
  'glibc.malloc.tcache_count=0',
  'glibc.malloc.mxfast=0',
].join(':');

/** Interval at which a child checks whether its parent process still exists. */
const PARENT_CHECK_MS = 500;

/**
 * Whether this verb should run in a child process: with the allocator settings and, under mpiexec, watched by the parent,
 * which reports the killed rank.
 */
export function needsRelaunch(verb: string | undefined): boolean {
  const heavy = ['train', 'eval', 'compare', 'predict', 'serve', 'benchmark', 'demo'];
  return (
    process.platform === 'linux' &&
    verb !== undefined &&
    heavy.includes(verb) &&
    !process.argv.includes('--help') &&
    process.env[MARK] === undefined &&
    (process.env['GLIBC_TUNABLES'] === undefined || findLauncher(process.env) !== undefined)
  );
}

/** Runs the same command line in a child process with the settings; resolves to its exit code. */
export function relaunch(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: stdio(process.env['PMI_FD']),
    env: { GLIBC_TUNABLES: ALLOCATOR_SETTINGS, ...process.env, [MARK]: String(process.pid) },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCONT'] as const;
  let isTold = false;
  // Ctrl-C reaches the whole process group; this process only waits until the child ends.
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

/**
 * Ends a child whose parent is gone, however that ended: nobody else can stop it, mpiexec only knows the parent, and a
 * resumed run would be a second one beside it.
 */
export function endWithParent(): void {
  const parent = Number(process.env[MARK]);
  if (!(parent > 1)) return;
  // Processes that this one starts have another parent.
  delete process.env[MARK];
  const check = (): void => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  };
  check();
  setInterval(check, PARENT_CHECK_MS).unref();
}

/** Inherits all files, including the socket of MPICH's mpiexec, which Node would close. */
function stdio(pmiFile: string | undefined): StdioOptions {
  const fd = Number(pmiFile);
  if (pmiFile === undefined || !(fd > 2) || !isSocket(fd)) return 'inherit';
  return Array.from({ length: fd + 1 }, (_, i) => (i < 3 ? 'inherit' : i === fd ? fd : 'ignore'));
}
