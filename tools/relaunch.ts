import { spawn } from 'node:child_process';

/** Set in the process that runs with the settings below. */
const MARK = 'CONVNEXTV2_RELAUNCHED';

/**
 * Allocator settings for the work that touches much memory: huge pages and no returning of pages to the
 * system. They only take effect at process start.
 */
const TUNABLES = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=1099511627776',
  'glibc.malloc.top_pad=67108864',
].join(':');

/** Whether this verb should run in a process of its own with the allocator settings. */
export function needsRelaunch(verb: string | undefined): boolean {
  const heavy = ['train', 'eval', 'predict', 'benchmark', 'demo'];
  return (
    process.platform === 'linux' &&
    verb !== undefined &&
    heavy.includes(verb) &&
    !process.argv.includes('--help') &&
    process.env[MARK] === undefined &&
    process.env['GLIBC_TUNABLES'] === undefined
  );
}

/** Runs the same command line again with the settings; resolves to its exit code. */
export function relaunch(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1', GLIBC_TUNABLES: TUNABLES },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  // Ctrl-C reaches the whole group; this process only waits for the child to end in its own way.
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  signals.forEach((signal) => process.on(signal, forward));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
