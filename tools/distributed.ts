import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { ConfigError } from '../core/errors.js';
import { SINGLE_PROCESS, type Communicator } from '../train/distributed/communicator.js';
import { reportError } from './failure.js';
import { findLauncher, isSocket, type Environment } from './launcher.js';
import { log, muteLog } from './output.js';

/** Late ranks are reported from here on. */
const WARN_AFTER_MS = 30_000;
const DEFAULT_TIMEOUT_S = 300;
/** Time for mpiexec to pass on what a rank printed, before it kills the rank. */
const FLUSH_MS = 300;

/** The processes of a run, as a verb sees them. */
interface Ranks {
  readonly communicator: Communicator;
  /** Threads of the engine for `--threads 0` (0: one per core): ranks on one machine share its cores. */
  readonly threads: number;
  /** Leaves in order. */
  finish(): Promise<void>;
  /** Ends the ranks' processes with the message of this one; alone it throws the error again. */
  fail(error: unknown, json: boolean): Promise<never>;
}

/** One process, where a verb does not divide its work. */
const ALONE: Ranks = {
  communicator: SINGLE_PROCESS,
  threads: 0,
  finish: () => Promise.resolve(),
  fail: (error) => Promise.reject(error as Error),
};

/**
 * Joins the other processes where mpiexec or srun started several; else there is one.
 *
 * @throws ConfigError if koffi or the MPI library is missing, unknown or cut off from the launcher
 */
export async function joinRanks(environment: Environment = process.env): Promise<Ranks> {
  const launcher = findLauncher(environment);
  if (!launcher || launcher.size === 1) return ALONE;
  assertReachable(environment);
  tameUcx();
  const library = environment['CONVNEXTV2_MPI_LIBRARY'];
  const { openMpi } = await import('../train/distributed/mpi.js');
  const communicator = await openMpi({
    launcher,
    library,
    timeoutMs: 1000 * timeoutSeconds(environment),
    warnAfterMs: WARN_AFTER_MS,
    onWarning: log,
  });
  const { rank, size } = communicator;
  if (rank === 0)
    log(
      `${communicator.description}: ${communicator.names.map((name, r) => `${r} ${name}`).join('; ')}`,
    );
  else muteLog();
  return {
    communicator,
    threads: Math.max(1, Math.floor(availableParallelism() / localRanks(environment, size))),
    finish: () => communicator.close(),
    fail: async (error, json) => {
      // The others see the same wrong input: rank 0 is to say so, once.
      if (rank > 0) await setTimeout(2 * FLUSH_MS);
      const code = reportError(error, json, `rank ${rank} (${communicator.names[rank]}): `);
      await setTimeout(FLUSH_MS);
      return communicator.abort(code);
    },
  };
}

/**
 * UCX, which MPICH and Open MPI may load, replaces functions for memory and the handlers of signals in the whole process. V8 has its own, and
 * does not survive that under our allocator settings (crashes in the garbage collector). All it costs is a cache.
 */
function tameUcx(): void {
  for (const [name, value] of [
    ['UCX_MEM_EVENTS', 'n'],
    ['UCX_HANDLE_ERRORS', 'none'],
  ] as const)
    process.env[name] ??= value;
}

/** MPICH's mpiexec talks through an open file, which a process in between closes unless it knows of it; npx does not. */
function assertReachable(environment: Environment): void {
  const fd = environment['PMI_FD'];
  if (fd === undefined || environment['PMI_PORT'] !== undefined || isSocket(Number(fd))) return;
  throw new ConfigError(
    `MPI: expected mpiexec's connection (file ${fd}) to be open, got it closed by npx in between; ` +
      'use mpiexec -pmi-port …, or start node_modules/.bin/convnextv2 directly',
  );
}

function localRanks(environment: Environment, size: number): number {
  const said = environment['OMPI_COMM_WORLD_LOCAL_SIZE'] ?? environment['MPI_LOCALNRANKS'];
  const perNode = Number(said ?? environment['SLURM_NTASKS_PER_NODE'] ?? size);
  return Number.isInteger(perNode) && perNode > 0 ? perNode : size;
}

function timeoutSeconds(environment: Environment): number {
  const text = environment['CONVNEXTV2_MPI_TIMEOUT'];
  if (text === undefined) return DEFAULT_TIMEOUT_S;
  const seconds = Number(text);
  if (seconds > 0) return seconds;
  throw new ConfigError(
    `CONVNEXTV2_MPI_TIMEOUT: expected a number of seconds above 0, got ${text}`,
  );
}
