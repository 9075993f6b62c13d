import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { latestValid } from '../../weights/checkpoint-folder.js';
import type { KillPoint } from './kill-hook.js';
import { CrashRuns, LAST, type CrashOptions, type CrashResult } from './runs.js';

/** Another seed kills at other moments. */
const SEED = Number(process.env['CRASH_SEED'] ?? 1);

let runs: CrashRuns;
const at = (name: string): string => runs.at(name);
const train = (run: string, options?: CrashOptions): CrashResult => runs.train(run, options);
const finalWeights = (run: string): Buffer => runs.finalWeights(run);

beforeAll(() => {
  runs = new CrashRuns();
  expect(train('whole').code).toBe(0);
});
afterAll(() => runs.remove());

const random = new Random(SEED);
const points = (what: string, count: number, from: number, to: number): KillPoint[] =>
  Array.from(
    { length: count },
    () => `${what}:${from + random.integer(to - from + 1)}` as KillPoint,
  );

/** 50 kills. A checkpoint of this model is some 300 writes, its pair of files two syncs of files and two renames. */
const SERIES: readonly (readonly [string, readonly KillPoint[]])[] = [
  ['in the middle of writing a checkpoint', points('write', 12, 1, 1500)],
  ['before a file is synced', points('sync', 5, 1, 12)],
  ['before a file gets its name', points('rename', 5, 1, 9)],
  ['after a file got its name', points('renamed', 5, 1, 9)],
  ['before an old file is deleted', points('remove', 3, 1, 4)],
  ['in the middle of an update', points('optimizer', 10, 1, 120)],
  ['at any moment', points('time', 10, 0, 1500)],
];

test('the series are 50 kills', () => {
  expect(SERIES.flatMap(([, kills]) => kills).length).toBe(50);
});

test.each(SERIES)(
  'killed %s, training loses no checkpoint and ends bit-equal',
  async (name, kills) => {
    const run = name.replaceAll(' ', '-');
    const checkpoints = join(at(run), 'checkpoints');
    let safeStep = 0;
    let killed = 0;
    for (const killAt of kills) {
      const { signal, code, stderr } = train(run, { resume: safeStep > 0, killAt });
      // A kill that comes after the end of the run has missed it: the next series of bits starts over.
      if (signal === null) {
        expect(code, stderr).toBe(0);
        expect(finalWeights(run).equals(finalWeights('whole')), killAt).toBe(true);
        rmSync(at(run), { recursive: true });
        safeStep = 0;
        continue;
      }
      expect(signal).toBe('SIGKILL');
      killed++;
      const { checkpoint } = await latestValid(checkpoints);
      const step = checkpoint?.step ?? 0;
      expect(step, `${killAt}: newest valid checkpoint`).toBeGreaterThanOrEqual(safeStep);
      if (step === 0) rmSync(at(run), { recursive: true, force: true });
      safeStep = step;
    }
    expect(killed).toBeGreaterThan(kills.length / 2);
    const { code, stderr } = train(run, { resume: safeStep > 0 });
    expect(code, stderr).toBe(0);
    expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
    expect(readdirSync(checkpoints).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    expect(runs.records(run)).toEqual(runs.records('whole'));
  },
);

test('a checkpoint that is damaged later is passed over with a message', () => {
  const run = 'damaged';
  expect(train(run).code).toBe(0);
  truncateSync(join(at(run), 'checkpoints', LAST), 1000);
  rmSync(join(at(run), 'checkpoints', 'best.json'));
  const { code, stderr } = train(run, { resume: true });
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(
    /warning: .*expected \d+ bytes, got 1000 \(torn\); the one before is used/,
  );
  expect(stderr).toMatch(/resuming at step 57/);
  expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
});

test('a disk that is full ends the run with the name of the file; what was saved stands and is gone on from', async () => {
  const run = 'full';
  const { code, stderr } = train(run, { killAt: 'full:1000' });
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(
    /WorkError: .*checkpoints.*: expected to write it, got ENOSPC: no space left on device, write; what was there before is unchanged/,
  );
  const checkpoints = join(at(run), 'checkpoints');
  expect((await latestValid(checkpoints)).checkpoint?.step).toBeGreaterThanOrEqual(3);
  expect(readdirSync(checkpoints).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  expect(train(run, { resume: true }).code).toBe(0);
  expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
});
