import { fstatSync } from 'node:fs';
import type { Launcher } from '../train/distributed/mpi.js';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Detects the launcher of this process by its environment variables; undefined if there is none. */
export function findLauncher(environment: Environment): Launcher | undefined {
  const number = (name: string): number | undefined => {
    const text = environment[name];
    return text === undefined || text === '' ? undefined : Number(text);
  };
  const found = (
    kind: Launcher['kind'],
    rank: number | undefined,
    size: number | undefined,
  ): Launcher => ({ kind, rank, size });
  if (environment['OMPI_COMM_WORLD_SIZE'] !== undefined)
    return found('Open MPI', number('OMPI_COMM_WORLD_RANK'), number('OMPI_COMM_WORLD_SIZE'));
  const slurmSize = number('SLURM_STEP_NUM_TASKS') ?? number('SLURM_NTASKS');
  // PMI is what MPICH's mpiexec speaks; Slurm speaks it to any library, and so does PMIx.
  if (environment['PMI_SIZE'] !== undefined)
    return found(
      environment['SLURM_PROCID'] === undefined ? 'MPICH' : 'unknown',
      number('PMI_RANK'),
      number('PMI_SIZE'),
    );
  if (environment['PMIX_RANK'] !== undefined)
    return found('unknown', number('PMIX_RANK'), slurmSize);
  return undefined;
}

/** Whether a file descriptor is an open socket; where one was closed, Node itself may have opened something else under its number. */
export function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
