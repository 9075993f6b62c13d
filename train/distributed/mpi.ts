import { hostname } from 'node:os';
import { ConfigError, DistributedError } from '../../core/errors.js';
import type { CollectiveOptions, CommunicationTimes, Communicator } from './communicator.js';
import { LIBRARY_NAMES, loadMpi, type Collective, type MpiLibrary } from './mpi-library.js';
import { Rendezvous, type CollectiveKind, type Patience } from './rendezvous.js';

/** Launcher of the processes, from their environment. */
export interface Launcher {
  readonly kind: 'Open MPI' | 'MPICH' | 'unknown';
  /** Absent if the launcher does not set it. */
  readonly rank?: number | undefined;
  readonly size?: number | undefined;
}

/** Options of {@link openMpi}. */
export interface MpiOptions extends Patience {
  readonly launcher: Launcher;
  /** Library file, instead of the usual names. */
  readonly library?: string | undefined;
}

/** Largest number of values per call: counts are 32-bit integers. */
const MAX_COUNT = 2 ** 30;
/** Smallest number of values for which a collective runs in another thread, so that timers and messages continue here. */
const LARGE_COUNT = 2 ** 16;
/** Only one thread at a time calls MPI. */
const THREAD_SERIALIZED = 2;
/** Lengths are exchanged as two numbers below this. */
const HALF = 2 ** 20;
/** Number of bytes of a rank's name. */
const NAME_BYTES = 96;

/**
 * Joins the other processes. May be called once per process; end with {@link MpiCommunicator.close} or
 * {@link MpiCommunicator.abort}.
 *
 * @throws ConfigError if koffi or the library is missing or unknown, or does not fit the launcher
 */
export async function openMpi(options: MpiOptions): Promise<MpiCommunicator> {
  const { launcher } = options;
  const { any } = LIBRARY_NAMES;
  const names =
    launcher.kind === 'unknown'
      ? [...LIBRARY_NAMES['Open MPI'], ...LIBRARY_NAMES.MPICH, ...any]
      : [...LIBRARY_NAMES[launcher.kind], ...any];
  const mpi = await loadMpi(options.library === undefined ? names : [options.library]);
  if (launcher.kind !== 'unknown' && launcher.kind !== mpi.abi.name)
    throw new ConfigError(
      `MPI: expected the library of ${launcher.kind}, whose mpiexec started this process, got ${mpi.version} (${mpi.file}); ` +
        'name the right file in CONVNEXTV2_MPI_LIBRARY',
    );
  const provided = new Int32Array(1);
  mpi.functions.init(null, null, THREAD_SERIALIZED, provided);
  const [rank, size] = [new Int32Array(1), new Int32Array(1)];
  mpi.functions.commRank(mpi.constants.world, rank);
  mpi.functions.commSize(mpi.constants.world, size);
  if (launcher.size !== undefined && launcher.size !== size[0])
    throw new ConfigError(
      `MPI: expected ${launcher.size} ranks, which the launcher started, got ${size[0]} from ${mpi.version} (${mpi.file}); ` +
        'the library cannot reach the launcher: are both of the same installation?',
    );
  const communicator = new MpiCommunicator(mpi, rank[0], size[0], {
    ...options,
    hasThreads: provided[0] >= THREAD_SERIALIZED,
  });
  await communicator.exchangeNames();
  return communicator;
}

/** Communicator over MPI. */
export class MpiCommunicator implements Communicator {
  private readonly rendezvous: Rendezvous;
  private readonly elapsed = { waitMs: 0, transferMs: 0 };

  constructor(
    private readonly mpi: MpiLibrary,
    readonly rank: number,
    readonly size: number,
    private readonly options: Patience & { readonly hasThreads: boolean },
  ) {
    this.rendezvous = new Rendezvous(mpi, rank, size, options);
  }

  get times(): CommunicationTimes {
    return this.elapsed;
  }

  /** Name of the transport, for people. */
  get description(): string {
    return `${this.mpi.version} (${this.mpi.file}), ${this.size} ranks`;
  }

  /** Host and process of every rank. */
  get names(): readonly string[] {
    return this.rendezvous.names;
  }

  async allReduceSum(values: Float32Array, options?: CollectiveOptions): Promise<void> {
    const { functions, constants, abi } = this.mpi;
    await this.meet('all-reduce', values.length, options);
    await this.transfer(values, (part) =>
      this.call(
        'all-reduce',
        functions.allreduce,
        [abi.inPlace, part, part.length, constants.float, constants.sum, constants.world],
        part.length,
      ),
    );
  }

  async broadcast(values: Float32Array | Uint8Array, options?: CollectiveOptions): Promise<void> {
    const { functions, constants } = this.mpi;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await this.meet('broadcast', bytes.length, options);
    await this.transfer(bytes, (part) =>
      this.call(
        'broadcast',
        functions.bcast,
        [part, part.length, constants.byte, 0, constants.world],
        part.length,
      ),
    );
  }

  async gather(own: Uint8Array, options?: CollectiveOptions): Promise<readonly Uint8Array[]> {
    const { functions, constants, abi } = this.mpi;
    const { world, byte } = constants;
    // Float32 holds whole numbers up to 2^24.
    const lengths = new Float32Array(2 * this.size);
    lengths.set([Math.floor(own.length / HALF), own.length % HALF], 2 * this.rank);
    await this.allReduceSum(lengths, options);
    const counts = Int32Array.from(
      { length: this.size },
      (_, r) => HALF * lengths[2 * r] + lengths[2 * r + 1],
    );
    const places = counts.map((_, r) => counts.subarray(0, r).reduce((a, b) => a + b, 0));
    const total = counts.reduce((a, b) => a + b, 0);
    if (total >= 2 ** 31)
      throw new DistributedError(
        `MPI: expected less than 2 GiB from all ranks together, got ${total} bytes`,
      );
    const all = new Uint8Array(total);
    all.set(own, places[this.rank]);
    await this.meet('gather', total, options);
    const start = performance.now();
    await this.call(
      'gather',
      functions.allgatherv,
      [abi.inPlace, 0, byte, all, counts, places, byte, world],
      total,
    );
    this.elapsed.transferMs += performance.now() - start;
    return Array.from(counts, (count, r) => all.slice(places[r], places[r] + count));
  }

  async barrier(options?: CollectiveOptions): Promise<void> {
    await this.meet('barrier', 0, options);
  }

  /** Exchanges host and process of all ranks; the first collective. */
  async exchangeNames(): Promise<void> {
    // mpiexec may know only the parent of this process.
    const name = Buffer.from(`${hostname()}, process ${process.pid} of ${process.ppid}`).subarray(
      0,
      NAME_BYTES,
    );
    const all = new Float32Array(this.size * NAME_BYTES);
    all.set(name, this.rank * NAME_BYTES);
    await this.allReduceSum(all, { what: 'start' });
    this.rendezvous.names = Array.from({ length: this.size }, (_, r) => {
      const bytes = Uint8Array.from(all.subarray(r * NAME_BYTES, (r + 1) * NAME_BYTES));
      return Buffer.from(bytes.filter((byte) => byte !== 0)).toString();
    });
  }

  /** Leaves regularly: waits for all ranks. */
  async close(): Promise<void> {
    await this.barrier({ what: 'end', patient: true });
    this.mpi.functions.finalize();
  }

  /** Ends the processes of all ranks, including this one, immediately. */
  abort(code: number): never {
    this.mpi.functions.abort(this.mpi.constants.world, code);
    process.exit(code); // MPI_Abort ends the process; this is for the compiler
  }

  private async meet(
    kind: CollectiveKind,
    count: number,
    options?: CollectiveOptions,
  ): Promise<void> {
    const start = performance.now();
    await this.rendezvous.meet(kind, count, options);
    this.elapsed.waitMs += performance.now() - start;
  }

  private async transfer<Values extends Float32Array | Uint8Array>(
    values: Values,
    move: (part: Values) => Promise<void>,
  ): Promise<void> {
    const start = performance.now();
    for (let at = 0; at < values.length; at += MAX_COUNT)
      await move(values.subarray(at, at + MAX_COUNT) as Values);
    this.elapsed.transferMs += performance.now() - start;
  }

  private async call<Arguments extends readonly unknown[]>(
    what: string,
    collective: Collective<Arguments>,
    values: Arguments,
    count: number,
  ): Promise<void> {
    const code =
      count < LARGE_COUNT || !this.options.hasThreads
        ? collective(...values)
        : await this.inThread(what, collective, values);
    if (code !== 0)
      throw new DistributedError(`MPI: expected the ${what} to succeed, got error ${code}`);
  }

  /** All ranks have arrived, so this ends soon unless one is lost meanwhile; MPI does not report which. */
  private inThread<Arguments extends readonly unknown[]>(
    what: string,
    collective: Collective<Arguments>,
    values: Arguments,
  ): Promise<number> {
    const { timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new DistributedError(
              `MPI: expected the ${what} to end within ${Math.round(timeoutMs / 1000)} s, got nothing: a rank stopped in its middle; ` +
                `the ranks are ${this.names.map((_, r) => this.rendezvous.nameOf(r)).join(', ')}`,
            ),
          ),
        timeoutMs,
      );
      collective.async(...values, (error, code) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(code);
      });
    });
  }
}
