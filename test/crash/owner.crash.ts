import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { latestValid } from '../../weights/checkpoint-folder.js';
import { CrashRuns, STEPS } from './runs.js';

/** Kills of each kind; with 67 they are more than 200. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 5);
const SEED = Number(process.env['CRASH_SEED'] ?? 1);
const random = new Random(SEED, 7);

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
/** Lines that the run has written so far. */
function numRecords(run: string): number {
  const file = join(runs.at(run), 'metrics.jsonl');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length : 0;
}
function expectWhole(run: string): void {
  expect(runs.finalWeights(run).equals(runs.finalWeights('whole'))).toBe(true);
  expect(runs.records(run)).toEqual(runs.records('whole'));
  const left = readdirSync(runs.at(run), { recursive: true, encoding: 'utf8' });
  expect(left.filter((name) => /\.tmp$|run\.lock/.test(name))).toEqual([]);
}

/** Kills of the start of a run, before anyone can know which process trains. */
const isAtStart = (kill: number, victim: string): boolean => victim !== 'child' && kill % 8 === 7;

describe.runIf(process.platform === 'linux').each(['parent', 'child', 'both'] as const)(
  'kill -9 of %s',
  (victim) => {
    test('loses no checkpoint, leaves no second trainer, and the run ends bit-equal', async () => {
      const run = `killed-${victim}`;
      let [safe, killed, ended] = [0, 0, 0];
      let before: number | undefined;
      // A run is killed and at once gone on from, as an impatient user would, until it is at its end; then comes the next one.
      while (killed < KILLS || ended === 0 || safe > 0) {
        const started = runs.start(run, { resume: safe > 0, isRelaunched: true });
        const { process: parent } = started;
        const isRunning = (): boolean => parent.exitCode === null && parent.signalCode === null;
        if (killed >= KILLS) {
          // The last run goes to its end.
        } else if (isAtStart(killed, victim)) await setTimeout(random.integer(1000));
        else {
          while (isRunning() && [undefined, before].includes(ownerOf(run))) await setTimeout(10);
          // Steps instead of seconds, so that a slow machine is killed at the same places.
          const last = numRecords(run) + random.integer(STEPS / 4);
          while (isRunning() && numRecords(run) < last) await setTimeout(5);
          await setTimeout(random.integer(100));
        }
        if (isRunning() && killed < KILLS) {
          const owner = ownerOf(run);
          const isHit = victim === 'parent' || kill(owner === before ? undefined : owner);
          if (victim !== 'child') parent.kill('SIGKILL');
          if (isHit || victim === 'both') killed++;
          before = owner;
        }
        const { code, signal, stderr } = await started.ended;
        if (code === 0) {
          expectWhole(run);
          rmSync(runs.at(run), { recursive: true });
          [safe, before] = [0, undefined];
          ended++;
          continue;
        }
        // Nothing but the kill ended it.
        expect(signal ?? code, stderr).toBe(victim === 'child' ? 137 : 'SIGKILL');
        let step = await stepOf(run);
        expect(step, 'newest valid checkpoint').toBeGreaterThanOrEqual(safe);
        if (step === 0) {
          // Whether to resume depends on what the child of a dead parent does in its last moment.
          while (kill(ownerOf(run), 0)) await setTimeout(20);
          step = await stepOf(run);
        }
        safe = step;
        if (killed % 10 === 0)
          console.log(`kill -9 of ${victim}: ${killed} so far, at step ${step}`);
      }
      console.log(
        `seed ${SEED}, kill -9 of ${victim}: ${killed} kills, ${ended} runs to the end, none lost`,
      );
    });
  },
);

/** Kills a process, or with 0 only looks for it. @returns whether it was there */
function kill(pid: number | undefined, signal: NodeJS.Signals | 0 = 'SIGKILL'): boolean {
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch {
    return false;
  }
}

test('of two trainings on one folder one is refused, and the other is not disturbed', async () => {
  for (const run of ['two', 'two-resumed']) {
    const resume = run === 'two-resumed';
    if (resume) runs.train(run, { killAt: 'renamed:9' });
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
