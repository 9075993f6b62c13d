import { setImmediate, setTimeout } from 'node:timers/promises';
import { DistributedError } from '../../core/errors.js';
import type { CollectiveOptions } from './communicator.js';
import type { MpiLibrary } from './mpi-library.js';

/** Times after which late ranks are reported and given up. */
export interface Patience {
  readonly warnAfterMs: number;
  readonly timeoutMs: number;
  readonly onWarning: (line: string) => void;
}

const ARRIVAL = 101;
const RELEASE = 102;
/** Number of fields of a message. */
const FIELDS = 3;
/** Number of polls before the first pause, so that ranks that arrive together are not delayed by a timer. */
const QUICK_LOOKS = 200;

/** Names of the collectives by number, for messages. */
const KINDS = ['all-reduce', 'broadcast', 'barrier', 'gather'] as const;
export type CollectiveKind = (typeof KINDS)[number];

/**
 * Barrier before a collective. MPI's collectives do not report missing ranks, and waiting ranks use a core that the late
 * one could need. So every rank first sends rank 0 a message with the collective it calls; rank 0 knows the missing
 * ranks, and releases all when none is missing.
 */
export class Rendezvous {
  private readonly sent = new Int32Array(FIELDS);
  /** `[size, FIELDS]`, on rank 0. */
  private readonly received: readonly Int32Array[];
  private readonly requests: readonly (Int32Array | BigInt64Array)[];
  private readonly flag = new Int32Array(1);
  private sequence = 0;
  /** Names of ranks: host and process. */
  names: readonly string[] = [];

  constructor(
    private readonly mpi: MpiLibrary,
    private readonly rank: number,
    private readonly size: number,
    private readonly patience: Patience,
  ) {
    const slots = rank === 0 ? size : 1;
    const { requestBytes } = mpi.abi;
    this.received = Array.from({ length: slots }, () => new Int32Array(FIELDS));
    this.requests = Array.from({ length: slots }, () =>
      requestBytes === 8 ? new BigInt64Array(1) : new Int32Array(1),
    );
  }

  /**
   * Resolves when all ranks have arrived at the same collective.
   *
   * @throws WorkError naming the ranks that are missing or call another collective
   */
  async meet(kind: CollectiveKind, count: number, options: CollectiveOptions = {}): Promise<void> {
    this.sequence++;
    this.sent.set([this.sequence, KINDS.indexOf(kind), count % 2 ** 31]);
    const what = `${kind}${options.what === undefined ? '' : ` (${options.what})`}`;
    if (this.rank === 0) await this.gather(what, options.patient ?? false);
    else await this.announce(what, options.patient ?? false);
  }

  /** Description of a rank, e.g. `rank 1 (node7, process 4242)`. */
  nameOf(rank: number): string {
    const name = this.names[rank];
    return name === undefined ? `rank ${rank}` : `rank ${rank} (${name})`;
  }

  private async gather(what: string, patient: boolean): Promise<void> {
    const others = Array.from({ length: this.size - 1 }, (_, i) => i + 1);
    others.forEach((r) => this.receive(this.received[r], r, ARRIVAL, this.requests[r]));
    let missing = others;
    const here = (): boolean => {
      missing = missing.filter((r) => !this.isDone(this.requests[r]));
      return missing.length === 0;
    };
    await this.until(here, {
      patient,
      timeoutMs: this.patience.timeoutMs,
      describe: () => `${missing.map((r) => this.nameOf(r)).join(', ')} at the ${what}`,
    });
    const strangers = others.filter((r) => this.received[r].some((v, i) => v !== this.sent[i]));
    if (strangers.length > 0) {
      const [sequence, kind, count] = this.received[strangers[0]];
      throw new DistributedError(
        `MPI: expected ${this.nameOf(strangers[0])} at ${what} ${this.sequence} of ${this.sent[2]} values, ` +
          `got it at ${KINDS[kind] ?? kind} ${sequence} of ${count}`,
      );
    }
    others.forEach((r) => this.send(r, RELEASE));
  }

  private async announce(what: string, patient: boolean): Promise<void> {
    const [release, request] = [this.received[0], this.requests[0]];
    this.receive(release, 0, RELEASE, request);
    this.send(0, ARRIVAL);
    await this.until(() => this.isDone(request), {
      patient,
      // Delay, so that rank 0, which knows more, reports first.
      timeoutMs: 1.2 * this.patience.timeoutMs + 2000,
      describe: () => `word from ${this.nameOf(0)} at the ${what}`,
      isQuiet: true,
    });
  }

  private async until(
    isDone: () => boolean,
    {
      patient,
      timeoutMs,
      describe,
      isQuiet = false,
    }: {
      readonly patient: boolean;
      readonly timeoutMs: number;
      readonly describe: () => string;
      readonly isQuiet?: boolean;
    },
  ): Promise<void> {
    const start = performance.now();
    let nextWarningMs = this.patience.warnAfterMs;
    for (let looks = 0; !isDone(); looks++) {
      const elapsedMs = performance.now() - start;
      if (!patient && elapsedMs > timeoutMs)
        throw new DistributedError(
          `MPI: expected ${describe()} within ${Math.round(timeoutMs / 1000)} s, got nothing; ` +
            'is the process stopped, its machine down or far slower than the others?',
        );
      if (elapsedMs > nextWarningMs) {
        if (!isQuiet)
          this.patience.onWarning(
            `waiting for ${describe()}, ${Math.round(elapsedMs / 1000)} s so far`,
          );
        nextWarningMs *= 2;
      }
      if (looks < QUICK_LOOKS) await setImmediate();
      else await setTimeout(1);
    }
  }

  private isDone(request: Int32Array | BigInt64Array): boolean {
    const { functions, abi } = this.mpi;
    functions.test(request, this.flag, abi.statusIgnore);
    return this.flag[0] !== 0;
  }

  private send(to: number, tag: number): void {
    const { functions, constants } = this.mpi;
    functions.send(this.sent, FIELDS, constants.int, to, tag, constants.world);
  }

  private receive(
    into: Int32Array,
    from: number,
    tag: number,
    request: Int32Array | BigInt64Array,
  ): void {
    const { functions, constants } = this.mpi;
    functions.irecv(into, FIELDS, constants.int, from, tag, constants.world, request);
  }
}
