import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { latestValid } from '../../weights/checkpoint-folder.js';
import { CrashRuns } from './runs.js';

/** Kills of each kind; with 67 they are more than 200. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 5);
const random = new Random(Number(process.env['CRASH_SEED'] ?? 1), 7);

let runs: CrashRuns;
beforeAll(() => {
  runs = new CrashRuns();
  const { code, stderr } = runs.train('whole', { isRelaunched: true });
  expect(code, stderr).toBe(0);
});
afterAll(() => runs.remove());

const checkpoints = (run: string): string => join(runs.at(run), 'checkpoints');
const stepOf = async (run: string): Promise<number> =>
  (await latestValid(checkpoints(run))).checkpoint?.step ?? 0;
/** The process that trains, by the lock. */
function ownerOf(run: string): number | undefined {
  try {
    const text = readFileSync(join(runs.at(run), 'run.lock'), 'utf8');
    return (JSON.parse(text) as { readonly pid: number }).pid;
  } catch {
    return undefined;
  }
}
function expectWhole(run: string): void {
  expect(runs.finalWeights(run).equals(runs.finalWeights('whole'))).toBe(true);
  expect(runs.records(run)).toEqual(runs.records('whole'));
  const left = readdirSync(runs.at(run), { recursive: true, encoding: 'utf8' });
  expect(left.filter((name) => /\.tmp$|run\.lock/.test(name))).toEqual([]);
}

describe.runIf(process.platform === 'linux').each(['parent', 'child', 'both'] as const)(
  'kill -9 of %s',
  (victim) => {
    test('loses no checkpoint, leaves no second trainer, and the run ends bit-equal', async () => {
      const run = `killed-${victim}`;
      let [safe, killed] = [0, 0];
      while (killed < KILLS) {
        const isOld = existsSync(join(checkpoints(run)));
        const resume = isOld && (await stepOf(run)) > 0;
        if (!resume) rmSync(runs.at(run), { recursive: true, force: true });
        const { process: parent, ended } = runs.start(run, { resume, isRelaunched: true });
        while (ownerOf(run) === undefined && parent.exitCode === null) await setTimeout(20);
        const owner = ownerOf(run);
        await setTimeout(random.integer(2500));
        // A run that has ended is started anew.
        if (parent.exitCode !== null) {
          const { code, stderr } = await ended;
          expect(code, stderr).toBe(0);
          expectWhole(run);
          rmSync(runs.at(run), { recursive: true });
          safe = 0;
          continue;
        }
        if (victim !== 'parent') {
          try {
            process.kill(owner ?? -1, 'SIGKILL');
          } catch {
            // Ended just before.
          }
        }
        if (victim !== 'child') parent.kill('SIGKILL');
        await ended;
        killed++;
        // At once, as an impatient user would: it waits for the child to end with its parent.
        const again = runs.train(run, { resume: (await stepOf(run)) > 0, isRelaunched: true });
        expect(again.code, again.stderr).toBe(0);
        expect(await stepOf(run)).toBeGreaterThanOrEqual(safe);
        expectWhole(run);
        rmSync(runs.at(run), { recursive: true });
        safe = 0;
      }
    });
  },
);

test('of two trainings on one folder one is refused, and the other is not disturbed', async () => {
  for (const run of ['two', 'two-resumed']) {
    const resume = run === 'two-resumed';
    if (resume) runs.train(run, { killAt: 'optimizer:30' });
    const both = [1, 2].map(() => runs.start(run, { resume, isRelaunched: true }).ended);
    const ends = await Promise.all(both);
    const codes = ends.map(({ code }) => code).sort();
    expect(codes, ends.map(({ stderr }) => stderr).join('\n---\n')).toEqual([0, 2]);
    expect(ends.find(({ code }) => code === 2)?.stderr).toMatch(
      /in use by process|with checkpoints/,
    );
    expectWhole(run);
  }
});

test('SIGTERM in the middle of the write of a checkpoint completes it, and the run is gone on from', async () => {
  for (const write of [5, 400, 900]) {
    const run = `term-${write}`;
    const { code, stderr } = runs.train(run, { killAt: `term:${write}` });
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/interrupted at step \d+/);
    expect(await stepOf(run)).toBeGreaterThan(0);
    expect(runs.train(run, { resume: true }).code).toBe(0);
    expectWhole(run);
  }
});

test('jumps of the clock change nothing', () => {
  const { code, stderr } = runs.train('clock', { killAt: 'clock:86400' });
  expect(code, stderr).toBe(0);
  expectWhole('clock');
});

describe('a file system', () => {
  const folder = (): string => runs.at('mounted');
  const mount = (options: string): boolean => {
    mkdirSync(folder(), { recursive: true });
    return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder()]).status === 0;
  };
  const unmount = (): unknown => spawnSync('umount', ['-l', folder()]);

  test('that is full ends the run with a remedy, and what was saved is gone on from', async () => {
    const run = 'mounted/run';
    // A checkpoint of this model takes some 200 KiB; several are kept.
    const isMounted = mount('size=600k');
    try {
      const full = runs.train(run, isMounted ? {} : { killAt: 'full:1200' });
      expect(full.code, full.stderr).toBe(1);
      expect(full.stderr).toMatch(/WorkError: .*ENOSPC/);
      const step = await stepOf(run);
      if (isMounted) spawnSync('mount', ['-o', 'remount,size=64m', folder()]);
      expect(step).toBeGreaterThan(0);
      expect(runs.train(run, { resume: true }).code).toBe(0);
      expectWhole(run);
    } finally {
      if (isMounted) unmount();
      console.log(isMounted ? 'disk full: tmpfs' : 'disk full: simulated, mounting is not allowed');
    }
  });

  test('that becomes read-only ends the run, and what was saved is gone on from', async () => {
    const run = 'mounted/run';
    rmSync(folder(), { recursive: true, force: true });
    const isMounted = mount('size=64m');
    if (!isMounted && process.getuid?.() === 0) {
      console.log('read-only: left out, root writes anyway and mounting is not allowed');
      expect(isMounted).toBe(false);
      return;
    }
    try {
      const { ended } = runs.start(run, {});
      while ((await stepOf(run)) < 3) await setTimeout(20);
      const setReadOnly = (isReadOnly: boolean): void => {
        if (isMounted) spawnSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder()]);
        else chmodSync(checkpoints(run), isReadOnly ? 0o555 : 0o755);
      };
      // Open files keep a file system writable; it is tried until it is not.
      for (let n = 0; n < 50; n++) {
        setReadOnly(true);
        await setTimeout(5);
      }
      const { code, stderr } = await ended;
      setReadOnly(false);
      if (code === 0) return expectWhole(run);
      expect(code, stderr).toBe(1);
      expect(stderr).toMatch(/WorkError: .*(EROFS|EACCES)/);
      expect(runs.train(run, { resume: true }).code).toBe(0);
      expectWhole(run);
    } finally {
      if (isMounted) unmount();
    }
  });
});
