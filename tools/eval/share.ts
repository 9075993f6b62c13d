import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { decodePart, encodePart } from '../../evaluation/part.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import type { EvaluationShare } from '../../train/distributed/evaluation.js';
import { gatherBytes, shareOfRank } from '../../train/distributed/evaluation.js';
import type { Shard } from '../../train/distributed/shard.js';
import { writeAtomically } from '../../weights/files/atomic.js';
import { log } from '../output.js';
import type { EvalRequest } from './request.js';

/** How an evaluation is shared. */
export interface SharedEvaluation {
  /** Absent where this process does everything. */
  readonly share?: EvaluationShare;
  /** Whether this process is to write what is known at the end; false where shards are missing or another one does it. */
  finish(): Promise<boolean>;
  /** Rows of all processes that can be reached. */
  gather<Row>(rows: readonly Row[]): Promise<readonly Row[]>;
}

/** Ranks exchange what they count; shards of one folder leave it there for the last one. @throws ConfigError for a wrong `--shard` */
export function shareOf(request: EvalRequest): SharedEvaluation {
  const { communicator = SINGLE_PROCESS, shard, out } = request;
  if (communicator.size > 1) {
    if (shard !== undefined)
      throw new ConfigError(`--shard: expected none under mpiexec, got ${shard}`);
    return {
      share: shareOfRank(communicator),
      finish: () => Promise.resolve(communicator.rank === 0),
      gather: async (rows) => {
        const all = await gatherBytes(communicator, Buffer.from(JSON.stringify(rows)));
        return all.flatMap((bytes) => JSON.parse(Buffer.from(bytes).toString()) as typeof rows);
      },
    };
  }
  const own = parseShard(shard, out);
  if (own.count === 1 || out === undefined)
    return { finish: () => Promise.resolve(true), gather: (rows) => Promise.resolve(rows) };
  return sharedFolder(out, own);
}

/**
 * `i/n` with i from 0, as job arrays count.
 *
 * @throws ConfigError for anything else, or without a folder to share
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

/** Parts as files `NAME-i-of-n.part`, which are also what `score --merge` takes. */
function sharedFolder(folder: string, { index, count }: Shard): SharedEvaluation {
  mkdirSync(folder, { recursive: true });
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
    share: {
      index,
      count,
      exchange: async (name, part) => {
        await writeAtomically(fileOf(name, index, 'part'), (write) => write(encodePart(part)));
        return others(name, 'part').map((file) => decodePart(Uint8Array.from(readFileSync(file)), file));
      },
    },
    finish: () => {
      if (missing.size > 0)
        log(
          `scores of ${count - missing.size} of ${count} shards; still missing: ${[...missing].sort((a, b) => a - b).join(', ')}`,
        );
      return Promise.resolve(missing.size === 0);
    },
    gather: async <Row>(rows: readonly Row[]) => {
      const bytes = Buffer.from(JSON.stringify(rows));
      await writeAtomically(fileOf('results', index, 'json'), (write) => write(bytes));
      const found = others('results', 'json').map(
        (file) => JSON.parse(readFileSync(file, 'utf8')) as readonly Row[],
      );
      return [...rows, ...found.flat()];
    },
  };
}
