import { ConfigError } from '../../core/errors.js';

/** Handles as they are passed to functions: numbers, or addresses of objects inside the library. */
export type MpiHandle = number | bigint;

/** Differences between MPI implementations: the C interface does not define the values of constants. */
export interface MpiAbi {
  readonly name: 'Open MPI' | 'MPICH';
  /** C type of communicators, data types and operations. */
  readonly handle: 'void *' | 'int';
  readonly requestBytes: 4 | 8;
  readonly inPlace: bigint;
  readonly statusIgnore: bigint;
  readonly constants: Readonly<Record<MpiConstant, MpiHandle | string>>;
}

/** Constants in use. */
export type MpiConstant = 'world' | 'float' | 'int' | 'byte' | 'sum';

/** Handles that are addresses of objects, given by symbol. */
const OPEN_MPI: MpiAbi = {
  name: 'Open MPI',
  handle: 'void *',
  requestBytes: 8,
  inPlace: 1n,
  statusIgnore: 0n,
  constants: {
    world: 'ompi_mpi_comm_world',
    float: 'ompi_mpi_float',
    int: 'ompi_mpi_int',
    byte: 'ompi_mpi_byte',
    sum: 'ompi_mpi_op_sum',
  },
};

/** Handles that are numbers. */
const MPICH: MpiAbi = {
  name: 'MPICH',
  handle: 'int',
  requestBytes: 4,
  inPlace: -1n,
  statusIgnore: 1n,
  constants: {
    world: 0x44000000,
    float: 0x4c00040a,
    int: 0x4c000405,
    byte: 0x4c00010d,
    sum: 0x58000003,
  },
};

/** Implementations with known constants, by the result of `MPI_Get_library_version`. */
const KNOWN: readonly { readonly says: RegExp; readonly label: string; readonly abi: MpiAbi }[] = [
  { says: /^Open MPI v4\./, label: 'Open MPI 4', abi: OPEN_MPI },
  { says: /^Open MPI v5\./, label: 'Open MPI 5', abi: OPEN_MPI },
  { says: /^MPICH Version:\s*3\./, label: 'MPICH 3', abi: MPICH },
  { says: /^MPICH Version:\s*4\./, label: 'MPICH 4', abi: MPICH },
];

/**
 * Determines the interface of a library by its version string. Unknown libraries are rejected, because wrong constants
 * would cause crashes or other effects.
 *
 * @throws ConfigError with the list of known implementations
 */
export function mpiAbi(version: string, library: string): MpiAbi {
  const known = KNOWN.find(({ says }) => says.test(version));
  if (known) return known.abi;
  throw new ConfigError(
    `${library}: expected one of ${KNOWN.map(({ label }) => label).join(', ')}, got "${version.split(/[\n,]/)[0].trim()}"`,
  );
}
