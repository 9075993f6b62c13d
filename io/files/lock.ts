import { spawnSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type ConfigError, InUseError, OutputError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { tryJson } from './json.js';
import { temporaryName } from './atomic.js';

/** Process that holds a lock, as stored in the file. */
interface LockOwner {
  readonly pid: number;
  /** Start of the process, so that another one that got the same number later is not taken for it. */
  readonly start: string;
  readonly host: string;
  /** Boot and process namespace: only there the number of the process means something. */
  readonly machine: string;
  readonly since: string;
}

/** A held lock. */
export interface FileLock {
  /**
   * Checks that this process still has the lock: one that was stopped, or cut off from the disk, for a minute may have lost
   * it to another machine. A file that somebody removed is created again.
   *
   * @throws ConfigError (or `refusal`) if another process took it over
   */
  assertHeld(): void;
  /** Removes the file, if it is still that of this process. */
  release(): void;
}

/** Options of {@link acquireLock}. */
export interface LockOptions {
  /** Names the locked thing in messages: `--out RUN`. */
  readonly what: string;
  /** Receives a line if the lock of a process that is gone is taken over, and while waiting. */
  readonly onNotice?: ((line: string) => void) | undefined;
  /** Called once with the name of a live process that is waited for. */
  readonly onWait?: ((holder: string) => void) | undefined;
  /** Time for a process that is just ending, or without a change of `progress`; default 2 s. */
  readonly waitMs?: number | undefined;
  /** A number that changes while the holder works, e.g. the size of its file: as long as it does, waiting goes on. */
  readonly progress?: (() => Promise<number>) | undefined;
  /** Time without a sign of life after which a process of another machine counts as gone; default 60 s. */
  readonly silenceMs?: number | undefined;
  /** Creates the error if `holder` has the lock; default: that of a folder in use. */
  readonly refusal?: ((holder: string) => Error) | undefined;
}

/** Interval of the signs of life for other machines: the time of the file is renewed. */
const SIGN_MS = 10_000;
const POLL_MS = 100;
/** Age at which a takeover that did not end belongs to a killed process. */
const TAKEOVER_MS = 10_000;
/** Largest file that is read as a lock. */
const MAX_BYTES = 2 ** 16;

/**
 * Creates a lock file that names this process. The lock of a process that is gone is taken over: on this machine if no
 * process has its number and start, on another one if the file is not renewed for a while.
 *
 * @throws ConfigError with process and host (or `refusal`) if another process holds the lock
 */
export async function acquireLock(file: string, options: LockOptions): Promise<FileLock> {
  const { what, onNotice, onWait, waitMs = 2000, progress, silenceMs = 6 * SIGN_MS } = options;
  const own = thisProcess();
  const text = `${JSON.stringify(own)}\n`;
  mkdirSync(dirname(file), { recursive: true });
  let deadline = performance.now() + waitMs;
  let isWaiting = false;
  let seen: number | undefined;
  for (;;) {
    if (create(file, text)) break;
    const before = contentOf(file);
    if (before === undefined) continue; // released just now
    const owner = parseOwner(before.text);
    const name = nameOf(owner);
    const isLocal = owner?.machine === own.machine;
    if (!isLocal && !isWaiting)
      onNotice?.(`${what}: waiting ${silenceMs / 1000} s for a sign of life of ${name}`);
    if (isLocal ? isAlive(owner) : await isRenewed(file, before, silenceMs)) {
      const now = await progress?.();
      if (now !== seen) deadline = performance.now() + waitMs;
      seen = now;
      if (performance.now() >= deadline || (!isLocal && !progress))
        throw options.refusal?.(name) ?? inUse(file, what, name);
      if (!isWaiting) onWait?.(name);
      isWaiting = true;
      await setTimeout(POLL_MS);
      continue;
    }
    if (takeOver(file, before.text, text)) {
      onNotice?.(`${what}: taken over from ${name}, which is gone`);
      break;
    }
    await setTimeout(POLL_MS);
  }
  const sign = setInterval(() => renew(file, text), SIGN_MS).unref();
  return {
    assertHeld: () => {
      const holder = otherHolder(file, text);
      if (holder !== undefined) throw options.refusal?.(holder) ?? inUse(file, what, holder);
    },
    release: () => {
      clearInterval(sign);
      if (isOwn(file, text)) rmSync(file, { force: true });
    },
  };
}

const nameOf = (owner: LockOwner | undefined): string =>
  owner
    ? `process ${owner.pid} on ${printable(owner.host)} (since ${printable(owner.since)})`
    : 'a process that left no name';

/** Name of another process that has the lock; undefined if it is still the one with `text`, or created again with it. */
function otherHolder(file: string, text: string): string | undefined {
  try {
    const now = contentOf(file) ?? (create(file, text) ? undefined : contentOf(file));
    return now === undefined || now.text === text ? undefined : nameOf(parseOwner(now.text));
  } catch {
    return undefined; // the disk is away or full, which the write that follows says
  }
}

function inUse(file: string, what: string, holder: string): ConfigError {
  return new InUseError(
    `${what}: expected a folder that no other process writes, got one in use by ${holder}; ` +
      `wait for it or stop it; if it is gone, delete ${file}`,
    { file },
  );
}

/** Creates the file with its content in one step. @returns false if it exists */
function create(file: string, text: string): boolean {
  const temporary = temporaryName(file);
  writeFileSync(temporary, text, { flag: 'wx' });
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // File systems without hard links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EOPNOTSUPP')
      return createNew(file, text);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function createNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Replaces the lock of a process that is gone. @returns false if another process was faster */
function takeOver(file: string, before: string, text: string): boolean {
  const mutex = `${file}.takeover`;
  try {
    mkdirSync(mutex);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = Date.now() - (statSync(mutex, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
    if (Math.abs(age) > TAKEOVER_MS) rmSync(mutex, { recursive: true, force: true });
    return false;
  }
  try {
    if (contentOf(file)?.text !== before) return false;
    const temporary = temporaryName(file);
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, file);
    return true;
  } finally {
    rmSync(mutex, { recursive: true, force: true });
  }
}

interface LockContent {
  readonly text: string;
  readonly mtimeMs: number;
}

/** Content of the file, if there is one. @throws ConfigError for a link, which may lead anywhere, and what is no file */
function contentOf(file: string): LockContent | undefined {
  try {
    const stats = lstatSync(file);
    if (!stats.isFile() || stats.size > MAX_BYTES)
      throw OutputError.in(
        file,
        `expected the lock of a process, got ${stats.isFile() ? 'a large file' : 'a link, folder or device'}; delete it`,
      );
    return { text: readFileSync(file, 'utf8'), mtimeMs: stats.mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Any change of content or time is a sign of life, whatever the clocks of the machines say. */
async function isRenewed(file: string, before: LockContent, silenceMs: number): Promise<boolean> {
  const end = performance.now() + silenceMs;
  while (performance.now() < end) {
    await setTimeout(Math.min(POLL_MS, silenceMs));
    const now = contentOf(file);
    if (now === undefined) return false;
    if (now.text !== before.text || now.mtimeMs !== before.mtimeMs) return true;
  }
  return false;
}

function isOwn(file: string, text: string): boolean {
  try {
    return contentOf(file)?.text === text;
  } catch {
    return false;
  }
}

function renew(file: string, text: string): void {
  try {
    if (isOwn(file, text)) utimesSync(file, new Date(), new Date());
  } catch {
    // The disk is away for a moment; the next sign may reach it.
  }
}

function thisProcess(): LockOwner {
  const { pid } = process;
  return {
    pid,
    start: stateOf(pid)?.start ?? '',
    host: hostname(),
    machine: [hostname(), bootId(), pidNamespace()].join(' '),
    since: new Date().toISOString(),
  };
}

function parseOwner(text: string): LockOwner | undefined {
  const owner = (tryJson(text) ?? {}) as Partial<LockOwner>;
  const { pid, start, host, machine, since } = owner;
  const isOwner =
    Number.isSafeInteger(pid) &&
    Number(pid) > 0 &&
    [start, host, machine, since].every((value) => typeof value === 'string');
  return isOwner ? (owner as LockOwner) : undefined;
}

function isAlive({ pid, start }: LockOwner): boolean {
  const state = stateOf(pid);
  if (state !== undefined) return !state.isEnded && (start === '' || state.start === start);
  if (process.platform === 'linux') return false;
  return isRunning(pid);
}

/** Whether a process of this machine runs, also one of another user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Start of a process, and whether it has ended and waits for its parent; undefined if unknown. */
function stateOf(pid: number): { readonly start: string; readonly isEnded: boolean } | undefined {
  if (process.platform === 'linux') {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name before the last parenthesis may contain anything.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return { start: fields[19], isEnded: /[ZX]/.test(fields[0]) };
    } catch {
      return undefined;
    }
  }
  if (process.platform !== 'darwin') return undefined;
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  const [, state, start] = /^(\S+)\s+(.+)$/.exec(String(stdout).trim()) ?? [];
  return start === undefined ? undefined : { start, isEnded: state.startsWith('Z') };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
