import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import { makeFolder, writeAtomically } from '../../io/files/atomic.js';
import type { JsonRows } from '../../io/files/json-stream.js';
import { RowSpool } from '../../io/files/row-spool.js';
import { SINGLE_PROCESS, type Communicator } from './communicator.js';
import { EVALUATION, evaluationShard, type EvaluationShard } from './evaluation.js';
import { linesOf, mergedRows, ownRows, readLines } from './merged-rows.js';
import { partBytes } from './part-file.js';
import type { Shard } from './shard.js';

/** Work on images that several processes may do. */
export interface ShardedWorkOptions {
  /** Processes among which the images are divided; default: this one alone. */
  readonly communicator?: Communicator | undefined;
  /** `i/n`: only every n-th image, from the i-th on, counted from 0. */
  readonly shard?: string | undefined;
  /** Folder for result files, which shards have in common. */
  readonly out?: string | undefined;
  /** Called with each line about progress. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** Division of the work between processes. */
interface ShardedWork {
  /** Absent where this process does everything. */
  readonly shard?: EvaluationShard | undefined;
  /** Whether this process is to write what is known at the end; false where shards are missing or another one does it. */
  finish(): Promise<boolean>;
  /** Whether image `i` is one of this process. */
  owns(i: number): boolean;
  /** Creates the file of this process for the rows of a list. */
  spool<Row>(name: string): RowSpool<Row>;
  /** Rows of all processes that can be reached, in the order of the images; valid while the spool is. */
  gather<Row>(name: string, rows: RowSpool<Row>): Promise<JsonRows<Row>>;
}

/**
 * Divides work: ranks exchange their counts; shards of one folder leave them there for the last one.
 *
 * @throws ConfigError for a wrong `--shard`
 */
export function shardWork({
  communicator = SINGLE_PROCESS,
  shard,
  out,
  onNotice,
}: ShardedWorkOptions): ShardedWork {
  const spoolOf =
    (own: Shard) =>
    <Row>(name: string): RowSpool<Row> => {
      if (out === undefined) return RowSpool.temporary();
      const part = own.count > 1 ? `-${own.index}-of-${own.count}` : '';
      return RowSpool.create(join(out, `${name}${part}.partial.jsonl`));
    };
  if (communicator.size > 1) {
    if (shard !== undefined)
      throw new ConfigError(`--shard: expected none under mpiexec, got ${shard}`);
    return {
      shard: evaluationShard(communicator),
      owns: (i) => i % communicator.size === communicator.rank,
      spool: spoolOf({ index: communicator.rank, count: communicator.size }),
      finish: () => Promise.resolve(communicator.rank === 0),
      gather: async <Row>(_name: string, rows: RowSpool<Row>) => {
        const own = Buffer.from(`${[...linesOf(rows)].join('')}\n`);
        const all = await communicator.gather(own, EVALUATION);
        return mergedRows<Row>(all.map((bytes) => Buffer.from(bytes).toString().split('\n')));
      },
    };
  }
  const own = parseShard(shard, out);
  if (own.count === 1 || out === undefined)
    return {
      finish: () => Promise.resolve(true),
      owns: () => true,
      spool: spoolOf(own),
      gather: (_name, rows) => Promise.resolve(ownRows(rows)),
    };
  return { ...shardsInFolder(out, own, onNotice), spool: spoolOf(own) };
}

/**
 * Parses `i/n` with i from 0, like the numbers of job arrays.
 *
 * @throws ConfigError for anything else, or without a common folder
 */
export function parseShard(shard: string | undefined, out: string | undefined): Shard {
  if (shard === undefined) return { index: 0, count: 1 };
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(shard) ?? [];
  const [index, count] = [Number(i), Number(n)];
  if (!(count >= 1 && index < count))
    throw new ConfigError(`--shard: expected i/n with i from 0 to n − 1, got ${shard}`);
  if (out === undefined)
    throw new ConfigError('--shard: expected --out DIR, the same for all shards, got none');
  return { index, count };
}

/** Reports a shard without images: there are more shards than images. */
export function reportEmptyShard(
  shard: Shard | undefined,
  ownImages: number,
  onNotice: ShardedWorkOptions['onNotice'],
): void {
  if (shard && ownImages === 0)
    onNotice?.(`shard ${shard.index}/${shard.count} has none of the images`);
}

/** Table without scores, where the shards with images are still missing. */
export const NO_SCORES: readonly (readonly string[])[] = [['no scores yet: no image is done']];

/** Partial results as files `NAME-i-of-n.part`, which `score --merge` takes, too. */
function shardsInFolder(
  folder: string,
  { index, count }: Shard,
  onNotice: ShardedWorkOptions['onNotice'],
): Omit<ShardedWork, 'spool'> {
  makeFolder(folder);
  const missing = new Set<number>();
  const fileOf = (name: string, i: number, extension: string): string =>
    join(folder, `${name}-${i}-of-${count}.${extension}`);
  const others = (name: string, extension: string): readonly string[] =>
    Array.from({ length: count }, (_, i) => i).flatMap((i) => {
      const file = fileOf(name, i, extension);
      if (i === index) return [];
      if (existsSync(file)) return [file];
      missing.add(i);
      return [];
    });
  return {
    shard: {
      index,
      count,
      exchange: async (name, part) => {
        await writeAtomically(fileOf(name, index, 'part'), encodePartialResult(part));
        return others(name, 'part').map((file) => decodePartialResult(partBytes(file), file));
      },
    },
    finish: () => {
      if (missing.size > 0)
        onNotice?.(
          `scores of ${count - missing.size} of ${count} shards; still missing: ${[...missing].sort((a, b) => a - b).join(', ')}`,
        );
      return Promise.resolve(missing.size === 0);
    },
    owns: (i) => i % count === index,
    gather: async <Row>(name: string, rows: RowSpool<Row>) => {
      const own = fileOf(name, index, 'jsonl');
      await writeAtomically(own, async (write) => {
        for (const line of linesOf(rows)) await write(Buffer.from(line));
      });
      return mergedRows<Row>([own, ...others(name, 'jsonl')].map(readLines));
    },
  };
}
