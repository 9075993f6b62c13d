import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { acquireLock } from '../../../io/files/lock.js';
import { testOnLinux } from '../../helpers/leave-out.js';

let folder: string;
let file: string;
let notices: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-lock-'));
  file = join(folder, 'run.lock');
  notices = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = {
  what: '--out RUN',
  onNotice: (line: string): number => notices.push(line),
  waitMs: 200,
  silenceMs: 400,
};
type Owner = Record<'pid' | 'start' | 'host' | 'machine' | 'since', unknown>;
const ownerOf = (): Owner => JSON.parse(readFileSync(file, 'utf8')) as Owner;
/** A lock of another process, made from that of this one. */
async function writeOther(over: Partial<Owner>): Promise<void> {
  const lock = await acquireLock(file, options);
  const owner = ownerOf();
  lock.release();
  writeFileSync(file, JSON.stringify({ ...owner, ...over }));
}

/** The number of a process that is gone. */
async function gonePid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return Number(child.pid);
}

test('a lock names its process, and is removed when it is released', async () => {
  const lock = await acquireLock(file, options);
  expect(ownerOf()).toMatchObject({ pid: process.pid });
  lock.release();
  expect(existsSync(file)).toBe(false);
  lock.release();
  (await acquireLock(file, options)).release();
  expect(notices).toEqual([]);
});

test('a second owner is refused while the first lives, after a short wait', async () => {
  const lock = await acquireLock(file, options);
  const before = readFileSync(file, 'utf8');
  const second = acquireLock(file, options);
  await expect(second).rejects.toThrow(ConfigError);
  await expect(second).rejects.toThrow(
    `--out RUN: expected a folder that no other process writes, got one in use by process ${process.pid} on `,
  );
  expect(readFileSync(file, 'utf8')).toBe(before);
  const third = acquireLock(file, { ...options, waitMs: 5000 });
  lock.release();
  (await third).release();
});

test('of many that want one lock at once, one gets it, also where a process that is gone left one', async () => {
  for (const isStale of [false, true]) {
    if (isStale) await writeOther({ pid: await gonePid() });
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => acquireLock(file, options)),
    );
    const locks = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(locks.length).toBe(1);
    locks[0].release();
    expect(existsSync(file)).toBe(false);
  }
});

test('the lock of a process that is gone is taken over with a line', async () => {
  const pid = await gonePid();
  await writeOther({ pid });
  const lock = await acquireLock(file, options);
  expect(ownerOf().pid).toBe(process.pid);
  expect(notices).toEqual([expect.stringMatching(`taken over from process ${pid} on .*gone`)]);
  lock.release();
});

testOnLinux('another process that got the number of the owner is not taken for it', async () => {
  await writeOther({ start: '1' });
  const lock = await acquireLock(file, options);
  expect(notices.length).toBe(1);
  lock.release();
});

testOnLinux('a process that ended and waits for its parent is gone', async () => {
  // A shell that never waits for its child, which ends at once.
  const shell = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [chunk] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number(String(chunk));
  const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8');
  const start = stat().split(') ')[1].split(' ')[19];
  await expect.poll(stat).toMatch(/\) Z /);
  await writeOther({ pid, start });
  const lock = await acquireLock(file, options);
  expect(notices.length).toBe(1);
  lock.release();
  shell.kill('SIGKILL');
});

test('the process of another machine counts as gone only without a sign of life, whatever the clocks say', async () => {
  for (const time of [0, Date.now() / 1000 + 1e6]) {
    notices = [];
    await writeOther({ machine: 'elsewhere', host: 'elsewhere' });
    utimesSync(file, time, time);
    const signs = setInterval(() => utimesSync(file, time, time + Math.random()), 50);
    await expect(acquireLock(file, options)).rejects.toThrow('on elsewhere');
    clearInterval(signs);
    (await acquireLock(file, options)).release();
    expect(notices.at(-1)).toContain('taken over');
  }
});

test('a damaged lock is taken over, and nothing of it reaches a terminal', async () => {
  for (const text of ['', '{', 'null', '{"pid": "1"}', '{"pid": -1}']) {
    writeFileSync(file, text);
    (await acquireLock(file, options)).release();
  }
  await writeOther({ host: '\u001b[31mred', machine: 'x' });
  (await acquireLock(file, options)).release();
  expect(notices.join('')).not.toContain('\u001b');
});

test('a lock that another process took over is not removed', async () => {
  const lock = await acquireLock(file, options);
  writeFileSync(file, 'of another');
  lock.release();
  expect(readFileSync(file, 'utf8')).toBe('of another');
});

test('a link, folder or pipe in place of a lock is refused at once', async () => {
  const kinds: readonly (() => void)[] = [
    () => symlinkSync(join(folder, 'nowhere'), file),
    () => symlinkSync('/etc/passwd', file),
    () => mkdirSync(file),
    () => execFileSync('mkfifo', [file]),
    () => writeFileSync(file, 'x'.repeat(100_000)),
  ];
  for (const make of kinds) {
    make();
    await expect(acquireLock(file, options)).rejects.toThrow(
      `${file}: expected the lock of a process, got a`,
    );
    rmSync(file, { recursive: true });
  }
});

test('a holder notices that another machine took its lock over, and gets a lock back that was removed', async () => {
  const lock = await acquireLock(file, options);
  lock.assertHeld();
  rmSync(file);
  lock.assertHeld();
  expect(ownerOf()).toMatchObject({ pid: process.pid });
  const owner = ownerOf();
  writeFileSync(file, JSON.stringify({ ...owner, host: 'elsewhere', machine: 'elsewhere' }));
  expect(() => lock.assertHeld()).toThrow(/in use by process \d+ on elsewhere/);
  expect(() => lock.assertHeld()).toThrow(ConfigError);
  lock.release();
  expect(ownerOf()).toMatchObject({ host: 'elsewhere' });
});
