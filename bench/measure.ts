import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'dist/tools/cli.js');
const PYTHON = '/usr/bin/python3';
/** Keeps large arrays in huge pages of one heap, for the allocator of eager PyTorch. */
const TUNED = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
};

/**
 * Runs `convnextv2 benchmark --json` in a process of its own.
 *
 * @throws Error with its output if it fails
 */
export function runBenchmark<Result>(flags: readonly string[]): Result {
  const args = [CLI, 'benchmark', '--json', ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`benchmark: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Result;
}

/**
 * Runs a script of `bench/` under Debian's PyTorch.
 *
 * @param repeats timed runs; the script's default where undefined
 * @returns what it printed, and the first `median … ms` of that
 * @throws Error if there is no Python or no median
 */
export function runPeer(
  script: string,
  args: readonly string[],
  repeats?: string,
): { readonly ms: number; readonly text: string } {
  if (!existsSync(PYTHON)) throw new Error(`bench: expected ${PYTHON} with python3-torch`);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...TUNED,
    REPEAT: repeats ?? process.env['REPEAT'],
  };
  delete env['OPENBLAS_CORETYPE'];
  delete env['OPENBLAS_L2_SIZE'];
  const command = [join(ROOT, 'bench', script), ...args];
  const { stdout, stderr } = spawnSync(PYTHON, command, { encoding: 'utf8', env });
  const ms = /median ([\d.]+) ms/.exec(stdout)?.[1];
  if (ms === undefined) throw new Error(`peer: expected a median, got ${stdout}${stderr}`);
  return { ms: Number(ms), text: stdout };
}
