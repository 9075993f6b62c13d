import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs a program to its end.
 *
 * @param env variables beside those of this process
 * @returns what it printed
 * @throws Error with the end of what it printed, if it fails
 */
export function outputOf(
  command: string,
  args: readonly (string | number)[],
  env: Readonly<Record<string, string>> = {},
): string {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args.map(String), {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...env },
  });
  if (status === 0) return stdout;
  const printed = error?.message ?? `${stdout}${stderr}`.slice(-2000);
  throw new Error(`bench: ${command} ${args.join(' ')} ended with ${signal ?? status}: ${printed}`);
}

/** Runs work in a temporary folder, which is removed at the end. */
export async function inFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
