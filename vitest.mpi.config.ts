import { defineConfig } from 'vitest/config';

/** The tests under mpiexec: not part of the default run. They need Open MPI or MPICH, see docs/distributed.md. */

export default defineConfig({
  test: {
    include: ['test/mpi/**/*.mpi.ts'],
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
