import { suite } from './test/helpers/suite.js';

/** The tests under mpiexec: not part of the default run. They need Open MPI or MPICH, see docs/distributed.md. */
export default suite('test/mpi/**/*.mpi.ts', {
  fileParallelism: false,
  testTimeout: 240_000,
  hookTimeout: 240_000,
});
