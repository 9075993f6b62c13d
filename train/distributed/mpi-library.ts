import { ConfigError } from '../../core/errors.js';
import { mpiAbi, type MpiAbi, type MpiConstant, type MpiHandle } from './mpi-abi.js';

/** Memory that a function reads or writes. */
type Memory = Float32Array | Int32Array | Uint8Array | BigInt64Array | bigint;
type Call<Arguments extends readonly unknown[]> = (...values: Arguments) => number;

/** A function that can also run in another thread. */
export interface Collective<Arguments extends readonly unknown[]> {
  (...values: Arguments): number;
  readonly async: (
    ...values: readonly [...Arguments, (error: Error | null, result: number) => void]
  ) => void;
}

/** MPI functions in use. All except `MPI_Abort` return 0 on success. */
interface MpiFunctions {
  readonly init: Call<[argc: null, argv: null, required: number, provided: Int32Array]>;
  readonly commRank: Call<[comm: MpiHandle, rank: Int32Array]>;
  readonly commSize: Call<[comm: MpiHandle, size: Int32Array]>;
  readonly send: Call<
    [data: Memory, count: number, type: MpiHandle, to: number, tag: number, comm: MpiHandle]
  >;
  readonly irecv: Call<
    [
      data: Memory,
      count: number,
      type: MpiHandle,
      from: number,
      tag: number,
      comm: MpiHandle,
      request: Memory,
    ]
  >;
  readonly test: Call<[request: Memory, flag: Int32Array, status: bigint]>;
  readonly allreduce: Collective<
    [from: Memory, to: Memory, count: number, type: MpiHandle, op: MpiHandle, comm: MpiHandle]
  >;
  readonly bcast: Collective<
    [data: Memory, count: number, type: MpiHandle, root: number, comm: MpiHandle]
  >;
  readonly allgatherv: Collective<
    [
      from: bigint,
      count: number,
      type: MpiHandle,
      to: Memory,
      counts: Memory,
      places: Memory,
      type: MpiHandle,
      comm: MpiHandle,
    ]
  >;
  readonly abort: Call<[comm: MpiHandle, code: number]>;
  readonly finalize: Call<[]>;
}

/** A loaded MPI library. */
export interface MpiLibrary {
  readonly file: string;
  /** First line of its version string. */
  readonly version: string;
  readonly abi: MpiAbi;
  readonly functions: MpiFunctions;
  readonly constants: Readonly<Record<MpiConstant, MpiHandle>>;
}

type Koffi = typeof import('koffi');

const ASYNC_STACK_BYTES = 4 * 2 ** 20;

/** File names of libraries in order of preference. */
export const LIBRARY_NAMES = {
  'Open MPI': ['libmpi.so.40', 'libmpi.40.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpich.12.dylib', 'libmpi.12.dylib'],
  any: ['libmpi.so', 'libmpich.so', 'libmpi.dylib'],
} as const;

/**
 * Loads an MPI library and binds its functions without initializing it.
 *
 * @param files names or paths, tried in order
 * @throws ConfigError if koffi or all libraries are missing, or the library is unknown
 */
export async function loadMpi(files: readonly string[]): Promise<MpiLibrary> {
  const koffi = await importKoffi();
  // Stack size of the thread that runs collectives: MPICH crashes with the default of 128 KiB.
  koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
  const failures: string[] = [];
  for (const file of files) {
    let library: ReturnType<Koffi['load']>;
    try {
      // Global: Open MPI loads plug-ins that look for its symbols.
      library = koffi.load(file, { global: true });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      continue;
    }
    return bind(library, file);
  }
  throw new ConfigError(
    `MPI: expected a library among ${files.join(', ')}, got none (${failures[0]}); install the one of your mpiexec, e.g. ` +
      'apt-get install libopenmpi3 or libmpich12, or name its file in CONVNEXTV2_MPI_LIBRARY',
  );
}

async function importKoffi(): Promise<Koffi> {
  try {
    const module = (await import('koffi')) as Koffi & { readonly default?: Koffi };
    return module.default ?? module;
  } catch (error) {
    throw new ConfigError(
      'MPI: expected the package koffi for runs under mpiexec, got none; npm install koffi',
      { cause: error },
    );
  }
}

function bind(library: ReturnType<Koffi['load']>, file: string): MpiLibrary {
  const text = new Uint8Array(8192); // MPI_MAX_LIBRARY_VERSION_STRING is 8192 in MPICH, 256 in Open MPI
  const length = new Int32Array(1);
  library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  const version = Buffer.from(text.subarray(0, length[0])).toString('latin1');
  const abi = mpiAbi(version, file);
  const h = abi.handle;
  const p = 'void *';
  const find = <F>(name: string, parameters: readonly string[]): F =>
    library.func(name, 'int', [...parameters]) as unknown as F;
  return {
    file,
    version: version
      .split(/[\n,]/)[0]
      .replace(/\s*Version:\s*/, ' ')
      .trim(),
    abi,
    functions: {
      init: find('MPI_Init_thread', [p, p, 'int', p]),
      commRank: find('MPI_Comm_rank', [h, p]),
      commSize: find('MPI_Comm_size', [h, p]),
      send: find('MPI_Send', [p, 'int', h, 'int', 'int', h]),
      irecv: find('MPI_Irecv', [p, 'int', h, 'int', 'int', h, p]),
      test: find('MPI_Test', [p, p, p]),
      allreduce: find('MPI_Allreduce', [p, p, 'int', h, h, h]),
      bcast: find('MPI_Bcast', [p, 'int', h, 'int', h]),
      allgatherv: find('MPI_Allgatherv', [p, 'int', h, p, p, p, h, h]),
      abort: find('MPI_Abort', [h, 'int']),
      finalize: find('MPI_Finalize', []),
    },
    constants: Object.fromEntries(
      Object.entries(abi.constants).map(([name, value]) => [
        name,
        typeof value === 'string' ? (library.symbol(value) as bigint) : value,
      ]),
    ) as Record<MpiConstant, MpiHandle>,
  };
}
