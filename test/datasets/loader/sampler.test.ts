import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  batchesFrom,
  epochBatches,
  type SamplerOptions,
} from '../../../datasets/loader/sampler.js';

const plain: SamplerOptions = { batchSize: 3, shuffle: false, seed: 1, lastBatch: 'keep' };
const batches = (n: number, options: Partial<SamplerOptions> = {}, epoch = 0): number[][] =>
  epochBatches(n, { ...plain, ...options }, epoch).map((b) => [...b]);

describe('epochBatches', () => {
  test('without shuffling follows the data set', () => {
    expect(batches(6)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(batches(0)).toEqual([]);
    expect(batches(1)).toEqual([[0]]);
  });

  test('keeps, drops or fills the last batch', () => {
    expect(batches(4, { lastBatch: 'keep' }).at(-1)).toEqual([3]);
    expect(batches(4, { lastBatch: 'drop' })).toEqual([[0, 1, 2]]);
    expect(batches(4, { lastBatch: 'fill' }).at(-1)).toEqual([3, 0, 1]);
    expect(batches(2, { lastBatch: 'drop' })).toEqual([]);
    expect(batches(2, { lastBatch: 'fill', batchSize: 5 })).toEqual([[0, 1, 0, 1, 0]]);
  });

  test('shuffles differently for every epoch and seed, reproducibly', () => {
    const order = (epoch: number, seed: number): string =>
      batches(50, { shuffle: true, seed }, epoch).flat().join();
    expect(order(0, 1)).toBe(order(0, 1));
    expect(new Set([order(0, 1), order(1, 1), order(0, 2), batches(50).flat().join()]).size).toBe(
      4,
    );
  });

  test('visits every sample once when shuffled, for any size', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 9 }), fc.nat(5), (n, batchSize, epoch) => {
        const seen = batches(n, { shuffle: true, batchSize }, epoch).flat();
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('separates groups and mixes their batches', () => {
    const groups = Array.from({ length: 60 }, (_, i) => i % 2);
    const grouped = batches(60, { groups, shuffle: true, batchSize: 4, lastBatch: 'fill' });
    const kinds = grouped.map((batch) => new Set(batch.map((i) => groups[i])));
    expect(kinds.every((kind) => kind.size === 1)).toBe(true);
    const sequence = kinds.map((kind) => [...kind][0]).join('');
    expect(sequence).toMatch(/01.*10|10.*01/); // not first all of one, then all of the other
    expect(grouped).toHaveLength(16);
  });

  test('shards divide an epoch without overlap and with equal numbers of batches', () => {
    const shards = [0, 1].map((index) => batches(10, { batchSize: 2, shard: { index, count: 2 } }));
    expect(shards).toEqual([
      [[0, 2], [4, 6], [8]],
      [[1, 3], [5, 7], [9]],
    ]);
    const dropped = [0, 1].map((index) =>
      batches(11, { batchSize: 2, lastBatch: 'drop', shuffle: true, shard: { index, count: 2 } }),
    );
    expect(dropped.map((s) => s.length)).toEqual([2, 2]);
    expect(new Set(dropped.flat(2)).size).toBe(8);
    const filled = [0, 1, 2].map((index) =>
      batches(4, { batchSize: 1, lastBatch: 'fill', shard: { index, count: 3 } }),
    );
    expect(filled).toEqual([
      [[0], [3]],
      [[1], [0]],
      [[2], [1]],
    ]);
  });

  test('a shard without samples has no batch', () => {
    expect(batches(1, { shard: { index: 1, count: 2 } })).toEqual([]);
  });

  test.each<[Partial<SamplerOptions>, RegExp]>([
    [{ batchSize: 0 }, /batchSize > 0, got 0/],
    [{ batchSize: 1.5 }, /got 1.5/],
    [{ shard: { index: 2, count: 2 } }, /got 2 of 2/],
    [{ groups: [0] }, /a group for each of 4 samples, got 1/],
  ])('rejects %j', (options, message) => {
    expect(() => batches(4, options)).toThrow(message);
  });
});

describe('batchesFrom', () => {
  const options: SamplerOptions = { ...plain, shuffle: true, batchSize: 4 };

  test('continues from a position, also in the next epochs', () => {
    const all = [...batchesFrom(10, options, { epoch: 0, batch: 0 }, 3)];
    expect(all).toHaveLength(9);
    expect(all[2].next).toEqual({ epoch: 1, batch: 0 });
    for (const [done, { next }] of all.entries())
      expect([...batchesFrom(10, options, next, 3)]).toEqual(all.slice(done + 1));
  });

  test('rejects positions behind the end of an epoch, and epochs without a batch', () => {
    expect(() => batchesFrom(10, options, { epoch: 0, batch: 4 }).next()).toThrow(
      /within 3 batches of an epoch, got batch 4/,
    );
    expect(() => batchesFrom(0, options, { epoch: 0, batch: 0 }).next()).toThrow(
      /at least one batch of 4, got 0 samples/,
    );
  });
});
