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

  if (cases.length > 0)
    test('tell what is wrong in the shard of another thread', async () => {
      const [{ folder: from }] = cases;
      const records = JSON.parse(readFileSync(join(from, 'dt-segm.json'), 'utf8')) as {
        image_id: number;
        segmentation: object;
      }[];
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
