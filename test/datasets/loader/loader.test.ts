import { afterEach, describe, expect, test } from 'vitest';
import { ConfigError, DataError, WorkError } from '../../../core/errors.js';
import { Loader, type LoaderOptions } from '../../../datasets/loader/loader.js';

interface Sample {
  readonly file: string;
  readonly delayMs?: number;
  /** Is held in work until the gate is opened. */
  readonly isGated?: boolean;
  readonly fails?: 'data' | 'type' | 'exit';
}
interface Value {
  readonly draws: Float64Array;
  readonly files: readonly string[];
  readonly batchDraw: number;
  readonly isReused: boolean;
  readonly other: string;
}

/**
 * Counters in memory shared with the worker threads: how many samples were begun, are in work, were at a time in work,
 * whether the gate is
 * open, and how many were begun in epoch 0.
 */
const NUM_COUNTERS = 5;
const [GATE, BEGUN_FIRST] = [3, 4];

/** A pipeline that waits, fails or exits as the sample says, and draws from its random stream. */
const pipeline = (errors: string) => `
  import { DataError } from '${errors}';
  export const createPipeline = ({ counters, fetches }) => ({
    async prepare(sample, { random, fetch, numSamples, index, epoch }) {
      const [begun, inWork, most, gate, begunFirst] = [0, 1, 2, 3, 4];
      Atomics.add(counters, begun, 1);
      if (epoch === 0) Atomics.add(counters, begunFirst, 1);
      const now = Atomics.add(counters, inWork, 1) + 1;
      if (now > Atomics.load(counters, most)) Atomics.store(counters, most, now);
      const other = fetches ? await fetch((index + 1) % numSamples) : sample;
      do await new Promise((resolve) => setTimeout(resolve, sample.delayMs ?? 0));
      while (sample.isGated && Atomics.load(counters, gate) === 0);
      Atomics.sub(counters, inWork, 1);
      if (sample.fails === 'data') throw new DataError('expected a dog, got a cat', { id: 7 });
      if (sample.fails === 'type') undefined.property;
      if (sample.fails === 'exit') process.exit(3);
      return { file: sample.file, draw: random.uniform(), other: other.file };
    },
    collate(items, { random, buffers }) {
      const buffer = buffers.take(100000);
      const draws = new Float64Array(buffer, 0, items.length);
      const isReused = draws.length > 0 && draws[0] !== 0;
      items.forEach((item, i) => (draws[i] = item.draw));
      const files = items.map((item) => item.file);
      const other = items[0].other;
      return { value: { draws, files, batchDraw: random.uniform(), isReused, other }, buffers: [buffer] };
    },
  });`;
const moduleOf = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
const ERRORS = new URL('../../../dist/core/errors.js', import.meta.url).href;
const PIPELINE = moduleOf(pipeline(ERRORS));

const opened: Loader<Sample, Value>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((loader) => loader.close()));
});

function open(
  samples: readonly Sample[],
  options: Partial<LoaderOptions<Sample>> & { fetches?: boolean } = {},
): { loader: Loader<Sample, Value>; counters: Int32Array } {
  const counters = new Int32Array(new SharedArrayBuffer(4 * NUM_COUNTERS));
  const loader = new Loader<Sample, Value>({
    samples,
    sampler: { batchSize: 2, shuffle: true, seed: 5, lastBatch: 'keep' },
    pipeline: PIPELINE,
    pipelineOptions: { counters, fetches: options.fetches ?? false },
    numWorkers: 2,
    ...options,
  });
  opened.push(loader);
  return { loader, counters };
}

const samples = (n: number, extra: (i: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: n }, (_, i) => ({ file: `f${i}`, ...extra(i) }));
const inOrder = { batchSize: 2, shuffle: false, seed: 5, lastBatch: 'keep' } as const;

async function collect(loader: Loader<Sample, Value>, numEpochs = 1): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const batch of loader.stream({ epoch: 0, batch: 0 }, numEpochs)) {
    const { draws, files, batchDraw } = batch.value;
    seen.push({
      epoch: batch.epoch,
      indices: [...batch.indices],
      draws: [...draws],
      files,
      batchDraw,
    });
    batch.release();
  }
  return seen;
}

/** Error of an iteration, and the batches before it. */
async function failure(loader: Loader<Sample, Value>): Promise<{ error: Error; before: number }> {
  let before = 0;
  try {
    for await (const _ of loader.epoch(0)) before++;
  } catch (error) {
    return { error: error as Error, before };
  }
  throw new Error('expected the iteration to throw');
}

describe('Loader', () => {
  test('gives the same batches in the same order with any number of workers', async () => {
    const set = samples(11, (i) => ({ delayMs: (i * 7) % 5 }));
    const expected = await collect(open(set, { numWorkers: 0 }).loader, 2);
    expect(expected).toHaveLength(12);
    expect(new Set(expected.map((batch) => JSON.stringify(batch))).size).toBe(12);
    for (const numWorkers of [1, 2, 3])
      expect(await collect(open(set, { numWorkers }).loader, 2)).toEqual(expected);
  });

  test('the random draws of a sample do not depend on its batch', async () => {
    const draw = async (batchSize: number): Promise<[string, number][]> => {
      const { loader } = open(samples(6), { sampler: { ...inOrder, batchSize } });
      const draws: [string, number][] = [];
      for await (const { value } of loader.epoch(3))
        value.files.forEach((file, i) => draws.push([file, value.draws[i]]));
      return draws;
    };
    expect(await draw(1)).toEqual(await draw(4));
  });

  test('continues from a position with the remaining batches', async () => {
    const { loader } = open(samples(9));
    const whole: string[] = [];
    for await (const batch of loader.epoch(0)) whole.push(batch.value.files.join());
    const rest: string[] = [];
    for await (const batch of loader.epoch(0, 2)) rest.push(batch.value.files.join());
    expect(rest).toEqual(whole.slice(2));
    expect([loader.numBatches(), whole.length]).toEqual([5, 5]);
  });

  test('prepares no more batches ahead than requested', async () => {
    const { loader, counters } = open(samples(40), { prefetch: 3, sampler: inOrder });
    const iterator = loader.epoch(0);
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // One with the caller and three ahead, two samples each.
    expect(Atomics.load(counters, 0)).toBe(8);
    await iterator.return();
  });

  test('prepares as many samples concurrently as requested', async () => {
    const set = samples(12, () => ({ delayMs: 15 }));
    for (const concurrency of [1, 3]) {
      const { loader, counters } = open(set, { numWorkers: 1, concurrency });
      await collect(loader);
      expect(Atomics.load(counters, 2)).toBe(concurrency);
    }
  });

  test('reuses released buffers', async () => {
    const { loader } = open(samples(60), { numWorkers: 1, prefetch: 1 });
    const reused: boolean[] = [];
    for await (const batch of loader.epoch(0)) {
      reused.push(batch.value.isReused);
      batch.release();
    }
    expect(reused.slice(3).every(Boolean)).toBe(true);
    const kept: boolean[] = [];
    for await (const batch of open(samples(20), { numWorkers: 1 }).loader.epoch(0))
      kept.push(batch.value.isReused);
    expect(kept.some(Boolean)).toBe(false);
  });

  test.each([0, 2])(
    'a receiver finishes batches in this thread (%i workers)',
    async (numWorkers) => {
      const receiver = `${pipeline(ERRORS)}
      export const createReceiver = () => ({ files, draws }, buffers) => {
        if (files[0] === 'f8') throw new Error('no f8');
        const buffer = buffers.take(1000);
        const mine = new Float32Array(buffer, 0, 1);
        const isReused = mine[0] !== 0;
        mine[0] = 5;
        return { value: { draws: [...draws], files, isReused }, buffers: [buffer] };
      };`;
      const { loader } = open(samples(12), {
        numWorkers,
        sampler: inOrder,
        pipeline: moduleOf(receiver),
      });
      const reused: boolean[] = [];
      const files: string[] = [];
      await expect(async () => {
        for await (const { value, release } of loader.epoch(0)) {
          reused.push(value.isReused);
          files.push(...value.files);
          expect([...value.draws].every((draw) => draw > 0)).toBe(true);
          release();
          release();
        }
      }).rejects.toThrow('no f8');
      expect(files).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7']);
      expect(reused).toEqual([false, true, true, true]);
    },
  );

  test('a batch that is released twice returns its buffers once', async () => {
    const { loader } = open(samples(40), { numWorkers: 0, prefetch: 2 });
    const buffers: ArrayBufferLike[] = [];
    let previous: ArrayBufferLike | undefined;
    for await (const { value, release } of loader.epoch(0)) {
      expect(value.draws.buffer).not.toBe(previous);
      previous = value.draws.buffer;
      buffers.push(previous);
      if (buffers.length % 2 === 0) continue; // every other one is kept
      release();
      release();
    }
    const kept = buffers.filter((_, i) => i % 2 === 1);
    expect(new Set(kept).size).toBe(kept.length);
  });

  test('lets a pipeline fetch another sample', async () => {
    for (const numWorkers of [0, 2]) {
      const { loader } = open(samples(5), { numWorkers, fetches: true, sampler: inOrder });
      const others: string[] = [];
      for await (const { value } of loader.epoch(0)) others.push(value.other);
      expect(others).toEqual(['f1', 'f3', 'f0']);
    }
  });

  test('an early end stops the work, and the loader can be reused', async () => {
    const all = samples(400, (i) => ({ isGated: i >= 4 }));
    const { loader, counters } = open(all, { prefetch: 8, sampler: inOrder });
    const takeTwo = async (epoch: number): Promise<void> => {
      let taken = 0;
      for await (const batch of loader.epoch(epoch)) {
        expect(batch.epoch).toBe(epoch);
        if (++taken === 2) break; // one of each worker, so both are up
      }
    };
    await takeTwo(0);
    // 4 samples are done and 2 x 2 are held in work; 12 more were ordered and must not begin, but for the next 2 x 2 where
    // the gate opens before the word to stop arrives.
    Atomics.store(counters, GATE, 1);
    await takeTwo(1); // workers take requests in order: what they had before is done or given up
    expect(Atomics.load(counters, BEGUN_FIRST)).toBeLessThanOrEqual(12);
  });

  test('an empty data set has no batches', async () => {
    const { error } = await failure(open([]).loader);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/at least one batch of 2, got 0 samples/);
  });
});

describe('an error in a worker', () => {
  test.each([0, 2])('names the file at its turn (%i workers)', async (numWorkers) => {
    const set = samples(10, (i) => (i === 5 ? { fails: 'data' } : {}));
    const { loader } = open(set, { numWorkers, sampler: inOrder });
    const { error, before } = await failure(loader);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ message: 'f5: expected a dog, got a cat', file: 'f5', id: 7 });
    expect(before).toBe(2);
    // The rest of the set is still there.
    for await (const batch of loader.epoch(0, 3)) expect(batch.value.files[0]).toMatch(/f[68]/);
  });

  test('that is unexpected is a WorkError with file and stack', async () => {
    const { error } = await failure(open(samples(2, () => ({ fails: 'type' }))).loader);
    expect(error).toBeInstanceOf(WorkError);
    expect(error.message).toMatch(/^loader: f[01]: Cannot read properties of undefined/);
    expect(String((error.cause as Error).message)).toContain('at ');
  });

  test('that ends the worker ends the iteration', async () => {
    const set = samples(6, (i) => (i === 0 ? { fails: 'exit' } : {}));
    const { error } = await failure(open(set, { numWorkers: 1 }).loader);
    expect(error).toBeInstanceOf(WorkError);
    expect(error.message).toMatch(/worker stopped with exit code 3 while it worked on .*\bf0\b/);
  });

  test.each([0, 1])('a module that is not a pipeline is a ConfigError (%i workers)', async (n) => {
    const none = open(samples(2), { numWorkers: n, pipeline: new URL('file:///none/there.js') });
    const missing = await failure(none.loader);
    expect(missing.error).toBeInstanceOf(ConfigError);
    expect(missing.error.message).toMatch(/expected a module at file:\/\/\/none\/there.js/);
    const other = open(samples(2), { numWorkers: n, pipeline: moduleOf('export const x = 1;') });
    expect((await failure(other.loader)).error.message).toMatch(/export createPipeline, got x/);
  });
});

test('close ends a waiting iteration, and later ones', async () => {
  const { loader } = open(samples(4, () => ({ delayMs: 10_000 })));
  const waiting = failure(loader);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await loader.close();
  expect((await waiting).error.message).toBe('loader: closed');
  expect((await failure(loader)).error.message).toBe('loader: closed');
  await loader.close();
});

test.each<[Partial<LoaderOptions<Sample>>]>([
  [{ numWorkers: -1 }],
  [{ prefetch: 0 }],
  [{ concurrency: 0.5 }],
])('rejects %j', (options) => {
  expect(() => open(samples(1), options)).toThrow(/expected whole numWorkers >= 0/);
});

test.each([0, 1])(
  '%i workers: the time spent on samples is counted once, however many at a time',
  async (numWorkers) => {
    const { loader } = open(
      samples(8, () => ({ delayMs: 20 })),
      { numWorkers, concurrency: 2 },
    );
    expect(loader.busyMs).toBe(0);
    const start = performance.now();
    await collect(loader);
    // Two at a time: four times 20 ms, of which timers may leave out one each.
    expect(loader.busyMs).toBeGreaterThan(4 * 18);
    expect(loader.busyMs).toBeLessThan(performance.now() - start + 1);
  },
);
