import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { readCheckpoint } from '../../weights/checkpoint.js';
import { openSafetensors } from '../../io/safetensors/read.js';

const ROOT = resolve(import.meta.dirname, '../..');
const CLI = join(ROOT, 'dist/tools/cli.js');

/** An MPI implementation that is installed. */
export interface Mpi {
  readonly name: string;
  readonly mpiexec: string;
  readonly flags: readonly string[];
}

/** The implementations to test, of `mpiexec.openmpi` and `mpiexec.mpich`, or whatever `mpiexec` is. */
export function installedMpis(): readonly Mpi[] {
  const found = ['mpiexec.openmpi', 'mpiexec.mpich', 'mpiexec', 'mpirun'].flatMap((mpiexec) => {
    const { status, stdout } = spawnSync(mpiexec, ['--version'], { encoding: 'utf8' });
    if (status !== 0) return [];
    return [
      /Open ?MPI|OpenRTE/i.test(stdout)
        ? { name: 'Open MPI', mpiexec, flags: ['--allow-run-as-root', '--oversubscribe'] }
        : { name: 'MPICH', mpiexec, flags: [] },
    ];
  });
  const mpis = found.filter(({ name }, i) => found.findIndex((m) => m.name === name) === i);
  if (mpis.length === 0)
    throw new Error(
      'test:mpi: expected mpiexec of Open MPI or MPICH, got none; apt-get install openmpi-bin or mpich',
    );
  console.log(`test:mpi: ${mpis.map(({ name, mpiexec }) => `${name} (${mpiexec})`).join(', ')}`);
  return mpis;
}

/** Exit code and output of a command. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the output so far matches. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
}

/** Starts the command line on some ranks; on none without `mpi`. */
export function startCli(
  mpi: Mpi | undefined,
  numRanks: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const own = [process.execPath, CLI, ...args];
  const [command, ...rest] = mpi
    ? [mpi.mpiexec, ...mpi.flags, '-n', String(numRanks), ...own]
    : own;
  const start = performance.now();
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: { ...process.env, OMPI_MCA_hwloc_base_binding_policy: 'none', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    waiting.forEach((look) => look());
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<Ended>((done) =>
    child.on('close', (code) =>
      done({ code, output, seconds: (performance.now() - start) / 1000 }),
    ),
  );
  return {
    process: child,
    ended,
    printed: (pattern) =>
      new Promise((done, fail) => {
        const look = (): void => {
          const match = output.match(pattern);
          if (match) done(match);
        };
        waiting.add(look);
        look();
        void ended.then(() => fail(new Error(`expected ${pattern}, got the end:\n${output}`)));
      }),
  };
}

/** Runs a command to its end. @throws Error with its output unless it succeeds */
export async function cli(
  mpi: Mpi | undefined,
  numRanks: number,
  args: readonly string[],
): Promise<Ended> {
  const ended = await startCli(mpi, numRanks, args).ended;
  if (ended.code !== 0)
    throw new Error(`${args.join(' ')}: exit code ${ended.code}\n${ended.output}`);
  return ended;
}

/** All numbers of a checkpoint, by name. */
export async function checkpointValues(
  run: string,
  step: number,
): Promise<ReadonlyMap<string, Float32Array>> {
  const name = `step-${String(step).padStart(8, '0')}`;
  const { file } = await readCheckpoint(join(run, 'checkpoints', name));
  const source = await openSafetensors(file);
  try {
    const values = new Map<string, Float32Array>();
    for (const [path, tensor] of source.tensors)
      values.set(path, (await tensor.read()) as Float32Array);
    return values;
  } finally {
    await source.close();
  }
}
