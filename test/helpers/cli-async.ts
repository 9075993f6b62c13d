import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CliResult } from './cli.js';

const CLI = join(import.meta.dirname, '../../dist/tools/cli.js');

/** Runs the built command line while this process goes on, e.g. to serve it files. */
export function cliAsync(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...env } });
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.on('data', (text: Buffer) => stdout.push(text.toString()));
    child.stderr.on('data', (text: Buffer) => stderr.push(text.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') }),
    );
  });
}
