import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { isInThreadShard } from '../../../evaluation/coco/thread-shard.js';
import { scoreCoco, type CocoScoreOptions } from '../../../tools/score/coco.js';
import { canStartThreads } from '../../../tools/score/coco-threads.js';
import { discoverMetricFixtures } from '../../evaluation/metric-fixtures.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'threads-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases = discoverMetricFixtures<{ runs: { iouType: 'bbox' | 'segm' | 'keypoints' }[] }>(
  'cocoeval',
  (file) => file === 'expected.json',
)
  .filter(({ json }) => json.runs.some(({ iouType }) => iouType === 'segm'))
  .slice(0, 2);

const options = (from: string, threads: number): CocoScoreOptions => ({
  gt: join(from, 'gt.json'),
  dt: [join(from, 'dt-segm.json')],
  parts: [],
  iouType: 'segm',
  parameters: {},
  unknownImages: 'refuse',
  errors: false,
  threads,
});

interface Record {
  readonly image_id: number;
  readonly category_id: number;
  readonly segmentation: object;
}

const readRecords = (from: string): readonly Record[] =>
  JSON.parse(readFileSync(join(from, 'dt-segm.json'), 'utf8')) as Record[];
const byCategory = (records: readonly object[]): readonly object[] =>
  (records as readonly Record[]).toSorted((a, b) => a.category_id - b.category_id);
const withNotes = (records: readonly object[], note: unknown): string =>
  JSON.stringify(records.map((record) => ({ note, ...record })));

// Threads run built JavaScript, which the set-up of the tests makes.
describe('threads', () => {
  test('start', () => expect(canStartThreads()).toBe(true));

  test.each(cases)('give the same as one: $name', async ({ folder: from }) => {
    const one = await scoreCoco(options(from, 1));
    for (const threads of [2, 3]) {
      const many = await scoreCoco(options(from, threads));
      expect(many.threads).toBe(threads);
      expect(many.result.stats).toEqual(one.result.stats);
      expect(many.result.curves).toEqual(one.result.curves);
      expect(many.result.matches).toEqual(one.result.matches);
    }
  });

  // The list is cut where a comma between objects is found, which may be inside a record.
  test.each<readonly [string, (records: readonly object[]) => string]>([
    ['in any order', (records) => JSON.stringify(records.toReversed())],
    ['sorted by category', (records) => JSON.stringify(byCategory(records))],
    ['with spaces and lines', (records) => JSON.stringify(records, null, 3)],
    [
      'with texts like the end of a record',
      (records) => withNotes(records, '},{"a":[{},{'.repeat(40)),
    ],
    ['with objects inside', (records) => withNotes(records, Array(40).fill({ a: 1 }))],
    ['of one record', (records) => JSON.stringify(records.slice(0, 1))],
    ['without records', () => '[]'],
  ])('give the same for results %s', async (name, write) => {
    const [{ folder: from }] = cases;
    const dt = join(folder, `${name}.json`);
    writeFileSync(dt, write(readRecords(from)));
    const one = await scoreCoco({ ...options(from, 1), dt: [dt] });
    for (const threads of [2, 3]) {
      const { result, numDetections } = await scoreCoco({ ...options(from, threads), dt: [dt] });
      expect(numDetections).toBe(one.numDetections);
      expect(result.curves).toEqual(one.result.curves);
      expect(result.matches).toEqual(one.result.matches);
    }
  });

  test.each(['bbox', 'segm'] as const)('give the same for several files: %s', async (iouType) => {
    const [{ folder: from }] = cases;
    const records = readRecords(from);
    const dt = [0, 1].map((i) => join(folder, `${iouType}${i}.json`));
    dt.forEach((file, i) =>
      writeFileSync(file, JSON.stringify(records.filter((_, j) => j % 2 === i))),
    );
    const scored = (threads: number, files: readonly string[]): ReturnType<typeof scoreCoco> =>
      scoreCoco({ ...options(from, threads), iouType, dt: files });
    for (const files of [dt, dt.slice(0, 1)])
      expect((await scored(2, files)).result.matches).toEqual(
        (await scored(1, files)).result.matches,
      );
  });

  test.each([0.1, 0.9])('name a broken record at %f of the list as one does', async (at) => {
    const [{ folder: from }] = cases;
    const records: object[] = [...readRecords(from)];
    const index = Math.floor(at * records.length);
    for (const broken of [
      { ...records[index], score: 'high' },
      { ...records[index], image_id: -7 },
    ]) {
      const dt = join(folder, 'broken.json');
      writeFileSync(dt, JSON.stringify(records.with(index, broken)));
      const messages = [1, 2, 3].map((threads) =>
        scoreCoco({ ...options(from, threads), dt: [dt] }).then(
          () => 'no error',
          (error: unknown) => (error as Error).message,
        ),
      );
      const [one, ...many] = await Promise.all(messages);
      expect(one).toContain(`broken.json: [${index}]: `);
      expect(many).toEqual([one, one]);
    }
  });

  if (cases.length > 0)
    test('tell what is wrong in the shard of another thread', async () => {
      const [{ folder: from }] = cases;
      const records = [...readRecords(from)];
      const at = records.findIndex(({ image_id }) =>
        isInThreadShard(image_id, { index: 1, count: 2 }),
      );
      records[at] = { ...records[at], segmentation: { size: [4, 4], counts: '1' } };
      const dt = join(folder, 'dt.json');
      writeFileSync(dt, JSON.stringify(records));
      const run = scoreCoco({ ...options(from, 2), dt: [dt] });
      await expect(run).rejects.toThrow(DataError);
      await expect(run).rejects.toThrow(
        new RegExp(
          `dt\\.json: detection of image ${records[at].image_id}, .*: mask: expected runs of 4 x 4 = 16 pixels, got 1$`,
        ),
      );
    });
});

test('every image is in one shard, and the shards are about equal', () => {
  for (const [count, step] of [
    [2, 1],
    [2, 2],
    [3, 7],
    [4, 128],
  ]) {
    const sizes = new Array<number>(count).fill(0);
    for (let i = 0; i < 4000; i++) {
      const owners = sizes.flatMap((_, index) =>
        isInThreadShard(139 + step * i, { index, count }) ? [index] : [],
      );
      expect(owners).toHaveLength(1);
      sizes[owners[0]]++;
    }
    for (const size of sizes) expect(Math.abs(size - 4000 / count)).toBeLessThan(400 / count);
  }
});
