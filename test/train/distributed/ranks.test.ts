import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { epochBatches } from '../../../datasets/loader/sampler.js';
import {
  batchNorms,
  normalizeBackward,
  normalizeInto,
} from '../../../train/distributed/batch-norm.js';
import { SINGLE_PROCESS, type Communicator } from '../../../train/distributed/communicator.js';
import { mpiAbi } from '../../../train/distributed/mpi-abi.js';
import { joinMoments } from '../../../train/distributed/moments.js';
import { globalIndex, ownBatchSize, ownRows, shardOf } from '../../../train/distributed/shard.js';
import { startTogether } from '../../../train/distributed/start.js';
import { joinReports, totalCounts } from '../../../train/distributed/totals.js';
import { drawDropPath } from '../../../train/drop-path.js';
import { epochsAt, newRule, resumedRule, stepsUntil } from '../../../train/progress.js';
import { findLauncher } from '../../../tools/launcher.js';
import { ranksInOne } from './pair.js';

describe('the MPI library', () => {
  test('is told by its version string', () => {
    const debian =
      'Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022';
    expect(mpiAbi(debian, 'libmpi.so').handle).toBe('void *');
    expect(mpiAbi('Open MPI v5.0.3, package: x', 'libmpi.so').name).toBe('Open MPI');
    const mpich = mpiAbi('MPICH Version:\t4.0.2\nMPICH Release date:\t…', 'libmpich.so');
    expect(mpich).toMatchObject({ name: 'MPICH', handle: 'int', requestBytes: 4 });
  });

  test.each(['Open MPI v3.1.0, …', 'Intel(R) MPI Library 2021.11', 'MPICH Version:\t5.0.0', ''])(
    'is rejected if it is an unknown one: %s',
    (version) => {
      expect(() => mpiAbi(version, '/opt/libmpi.so')).toThrow(
        /^\/opt\/libmpi\.so: expected one of Open MPI 4, Open MPI 5, MPICH 3, MPICH 4, got "/,
      );
    },
  );

  test('belongs to the launcher that the environment tells', () => {
    expect(findLauncher({})).toBeUndefined();
    expect(findLauncher({ SLURM_NTASKS: '8', SLURM_PROCID: '0' })).toBeUndefined();
    const open = { OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '3', PMIX_RANK: '3' };
    expect(findLauncher(open)).toEqual({ kind: 'Open MPI', rank: 3, size: 4 });
    expect(findLauncher({ PMI_SIZE: '2', PMI_RANK: '0', PMI_FD: '6' })).toEqual({
      kind: 'MPICH',
      rank: 0,
      size: 2,
    });
    const slurm = { PMIX_RANK: '5', SLURM_PROCID: '5', SLURM_STEP_NUM_TASKS: '16' };
    expect(findLauncher(slurm)).toEqual({ kind: 'unknown', rank: 5, size: 16 });
  });
});

describe('shards', () => {
  const size = fc.integer({ min: 1, max: 5 });

  test('of a batch are its samples in the order of the loader', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 4 }), (count, batchSize) => {
        const samples = 3 * count * batchSize;
        const options = { batchSize, shuffle: true, seed: 1, lastBatch: 'drop' } as const;
        const whole = epochBatches(samples, { ...options, batchSize: batchSize * count }, 2);
        for (let index = 0; index < count; index++) {
          const shard = { index, count };
          const own = epochBatches(samples, { ...options, shard }, 2);
          expect(own.length).toBe(whole.length);
          own.forEach((batch, b) =>
            batch.forEach((sample, n) => expect(sample).toBe(whole[b][globalIndex(n, shard)])),
          );
        }
      }),
    );
  });

  test('have the random numbers that the whole batch has', () => {
    const position = { seed: 5, step: 3, micro: 1 };
    const whole = drawDropPath([0.2, 0.5], 6, position);
    for (let index = 0; index < 3; index++) {
      const shard = { index, count: 3 };
      const own = drawDropPath([0.2, 0.5], 2, { ...position, shard });
      const expected = [0, 1].flatMap((block) =>
        [0, 1].map((n) => whole[6 * block + globalIndex(n, shard)]),
      );
      expect([...own]).toEqual(expected);
    }
    expect(new Set(whole).size).toBeGreaterThan(1);
  });

  test('are rows of the whole; one part is the whole itself', () => {
    const whole = Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31);
    expect([...ownRows(whole, 2, { index: 1, count: 2 })]).toEqual([10, 11, 30, 31]);
    expect(ownRows(whole, 2, { index: 0, count: 1 })).toBe(whole);
  });

  test('have smaller batches where the data are few', () => {
    expect(ownBatchSize(8, 100, { index: 0, count: 4 })).toBe(8);
    expect(ownBatchSize(8, 10, { index: 0, count: 4 })).toBe(2);
    expect(ownBatchSize(8, 3, { index: 0, count: 1 })).toBe(3);
  });
});

describe('ranks', () => {
  test('begin with what rank 0 has', async () => {
    const started = await Promise.all(
      ranksInOne(3).map(async (communicator) => {
        const buffers = createFlatBuffers(4, { moments: 1, ema: true });
        const outcome = await startTogether(communicator, buffers, () => {
          buffers.parameters.set([1, 2, 3, 4 + communicator.rank]);
          buffers.moments[0].fill(5);
          buffers.ema?.fill(6);
          return Promise.resolve({ step: 7 });
        });
        return [outcome.step, ...buffers.parameters, buffers.moments[0][3], buffers.ema?.[0]];
      }),
    );
    expect(started).toEqual(started.map(() => [7, 1, 2, 3, 4, 5, 6]));
  });

  test('average losses, add images and counts, and stop together', async () => {
    const [a, b] = await Promise.all(
      ranksInOne(2).map(async (communicator) => ({
        report: await joinReports(communicator, {
          losses: { loss: communicator.rank + 1 },
          numImages: 4,
          isStopping: communicator.rank === 1,
        }),
        counts: await totalCounts(communicator, 'positives', [communicator.rank, 3]),
      })),
    );
    expect(a).toEqual({
      report: { losses: { loss: 1.5 }, numImages: 8, isStopping: true },
      counts: [1, 6],
    });
    expect(b).toEqual(a);
    const own = { losses: { loss: 1 / 3 }, numImages: 4, isStopping: false };
    expect(await joinReports(SINGLE_PROCESS, own)).toBe(own);
    expect(shardOf(SINGLE_PROCESS)).toEqual({ index: 0, count: 1 });
  });

  test('join moments as if their values were one set; one without values changes nothing', async () => {
    const parts = [[1, 2, 6], [3, 4], []];
    const joined = await Promise.all(
      ranksInOne(3).map((communicator, r) => {
        const count = parts[r].length;
        const mean = parts[r].reduce((sum, v) => sum + v, 0) / Math.max(1, count);
        const variance = parts[r].reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, count);
        return joinMoments(communicator, {
          mean: Float32Array.of(mean),
          variance: Float32Array.of(variance),
          count,
        });
      }),
    );
    for (const { mean, variance, count } of joined) {
      expect(count).toBe(5);
      expect(mean[0]).toBeCloseTo(3.2, 6);
      expect(variance[0]).toBeCloseTo(2.96, 5);
    }
  });

  test.each([1, 2])(
    'normalize their parts of a batch, in %i micro-batches, as one rank does the whole, backwards too',
    async (numParts) => {
      const parameters = { weight: Float32Array.of(2, -1), bias: Float32Array.of(0.5, 0.1) };
      const x = Float32Array.of(1, 2, -3, 4, 5, -6, 7, 0.5);
      const dy = Float32Array.of(1, -1, 2, 0.5, -0.25, 3, 1, 1);
      const pass = async (communicator: Communicator, parts: readonly [number, number][]) => {
        const cut = (all: Float32Array): Float32Array[] => parts.map(([a, b]) => all.slice(a, b));
        const [norm] = await batchNorms(communicator, [{ x: cut(x), ...parameters }], 1e-5);
        const y = norm.x.map((own, part) => {
          const result = new Float32Array(own.length);
          normalizeInto(norm, part, result);
          return [...result];
        });
        const dx = cut(dy);
        const [ofParameters] = await normalizeBackward(communicator, [norm], [dx]);
        return { norm, y: y.flat(), dx: dx.flatMap((own) => [...own]), ...ofParameters };
      };
      const whole = await pass(SINGLE_PROCESS, [[0, 8]]);
      // Means 2.5 and 0.125, so the first value of the first channel is 1.5 below its mean.
      const deviation = Math.sqrt((1.5 ** 2 + 5.5 ** 2 + 2.5 ** 2 + 4.5 ** 2) / 4 + 1e-5);
      expect(whole.y[4]).toBeCloseTo((2 * 2.5) / deviation + 0.5, 5);
      expect(whole.y[2]).toBe(0);
      const ranks = await Promise.all(
        ranksInOne(2).map((communicator, r) =>
          pass(
            communicator,
            numParts === 1
              ? [[4 * r, 4 * r + 4]]
              : [
                  [4 * r, 4 * r + 2],
                  [4 * r + 2, 4 * r + 4],
                ],
          ),
        ),
      );
      const close = (a: readonly number[], b: ArrayLike<number>): void => {
        expect(a.length).toBe(b.length);
        a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 5));
      };
      const all = (kind: 'y' | 'dx'): number[] => ranks.flatMap((rank) => rank[kind]);
      close(all('y'), whole.y);
      close(all('dx'), whole.dx);
      for (const kind of ['weight', 'bias'] as const)
        close(
          [0, 1].map((c) => ranks[0][kind][c] + ranks[1][kind][c]),
          whole[kind],
        );
      expect(ranks[0].norm.count).toBe(4);
    },
  );

  test('without a single position have statistics of 0, not NaN', async () => {
    const empty = {
      x: [new Float32Array(0)],
      weight: Float32Array.of(1),
      bias: new Float32Array(1),
    };
    const [norm] = await batchNorms(SINGLE_PROCESS, [empty], 1e-5);
    expect([norm.count, norm.mean[0], norm.variance[0]]).toEqual([0, 0, 0]);
    const [{ weight, bias }] = await normalizeBackward(SINGLE_PROCESS, [norm], [empty.x]);
    expect([weight[0], bias[0]]).toEqual([0, 0]);
  });
});

describe('epochs', () => {
  test('are counted from the start', () => {
    const rule = newRule(2, 10);
    expect(epochsAt(rule, 25)).toBe(2.5);
    expect(stepsUntil(rule, 3)).toBe(30);
  });

  test('go on where they were with as many steps per epoch', () => {
    const saved = { ranks: 2, stepsPerEpoch: 10, origin: { step: 7, epoch: 1 } };
    const { rule, notice } = resumedRule(saved, 12, { ranks: 2, stepsPerEpoch: 10 });
    expect(rule).toEqual(saved);
    expect(notice).toBeUndefined();
    expect(resumedRule(undefined, 12, { ranks: 1, stepsPerEpoch: 10 }).notice).toBeUndefined();
  });

  test('start anew at the next one with other ranks; steps go on', () => {
    const { rule, notice } = resumedRule(newRule(2, 10), 25, { ranks: 1, stepsPerEpoch: 20 });
    expect(rule).toEqual({ ranks: 1, stepsPerEpoch: 20, origin: { step: 25, epoch: 3 } });
    expect(epochsAt(rule, 25)).toBe(3);
    expect(stepsUntil(rule, 5)).toBe(65);
    expect(notice).toContain('goes on at the start of epoch 3');
    expect(resumedRule(newRule(2, 10), 20, { ranks: 4, stepsPerEpoch: 5 }).rule.origin.epoch).toBe(
      2,
    );
  });
});
