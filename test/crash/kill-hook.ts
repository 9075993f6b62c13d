import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread, Worker } from 'node:worker_threads';

/**
 * Loaded with `node --import` before the command line: kills the process at the point that `CRASH_AT` names, as if the power had
 * gone. `write:n` in the middle of the n-th write of a file, `sync:n` before it is synced, `rename:n` before and `renamed:n` after
 * it gets its name, `remove:n` before an old file is deleted, `optimizer:n` between two runs of parameters of an update,
 * `full:n` kills nothing: the disk is full from the n-th write on. `term:n` sends SIGTERM at the n-th write. `clock:s` lets the clock
 * jump by so many seconds, forward and back, at every reading. `time:ms` wherever the program is so long after the first update.
 */
export type KillPoint = `${
  | 'write'
  | 'full'
  | 'term'
  | 'clock'
  | 'sync'
  | 'rename'
  | 'renamed'
  | 'remove'
  | 'optimizer'
  | 'time'}:${number}`;

function kill(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives at once, but the code behind must not go on until then.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

async function install(what: string, count: number): Promise<void> {
  let calls = 0;
  const isDue = (): boolean => ++calls === count;
  switch (what) {
    case 'clock': {
      const { now } = Date;
      Date.now = () => now() + (++calls % 2 === 0 ? 1000 : -1000) * count * (calls % 7);
      return;
    }
    case 'write':
    case 'full':
    case 'term':
    case 'sync': {
      const handle = await fs.promises.open(process.execPath, 'r');
      const prototype = Object.getPrototypeOf(handle) as fs.promises.FileHandle;
      await handle.close();
      const { sync } = prototype;
      const write = prototype.write as (
        chunk: Uint8Array,
        offset: number,
        length: number,
      ) => Promise<unknown>;
      if (what === 'sync') {
        prototype.sync = function (this: fs.promises.FileHandle) {
          if (isDue()) kill();
          return sync.call(this);
        };
      } else {
        const half = async function (
          this: fs.promises.FileHandle,
          chunk: Uint8Array,
          offset: number,
          length: number,
        ): Promise<unknown> {
          if (what === 'full' && ++calls >= count)
            throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
              code: 'ENOSPC',
            });
          if (what === 'term' && isDue()) process.kill(process.pid, 'SIGTERM');
          const isLast = what === 'write' && isDue();
          const result = await write.call(this, chunk, offset, isLast ? length >> 1 : length);
          if (isLast) kill();
          return result;
        };
        prototype.write = half as typeof prototype.write;
      }
      return;
    }
    case 'rename':
    case 'renamed': {
      const { rename } = fs.promises;
      fs.promises.rename = async (from, to) => {
        const isLast = isDue();
        if (isLast && what === 'rename') kill();
        await rename(from, to);
        if (isLast) kill();
      };
      break;
    }
    case 'remove': {
      const { rm } = fs.promises;
      fs.promises.rm = async (path, options) => {
        if (isDue()) kill();
        await rm(path, options);
      };
      break;
    }
    case 'optimizer':
    case 'time':
      watchOptimizer(() => {
        if (what === 'optimizer' && isDue()) kill();
        if (what === 'time' && ++calls === 1) killAfter(count);
      });
      return;
    default:
      throw new Error(`CRASH_AT: expected a point of the list, got ${what}`);
  }
  syncBuiltinESMExports();
}

/** Calls `onUpdate` before AdamW's kernel runs over a run of parameters. */
function watchOptimizer(onUpdate: () => void): void {
  const Original = WebAssembly.Instance;
  WebAssembly.Instance = function (module: WebAssembly.Module, imports: WebAssembly.Imports) {
    const instance = new Original(module, imports);
    const adamW = instance.exports['adamW'] as ((...numbers: number[]) => number) | undefined;
    if (!adamW) return instance;
    const watched = (...numbers: number[]): number => {
      onUpdate();
      return adamW(...numbers);
    };
    return { exports: { ...instance.exports, adamW: watched } };
  } as unknown as typeof WebAssembly.Instance;
}

/** From a thread of its own, so that any instruction of the others may be the last. */
function killAfter(milliseconds: number): void {
  const code = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${milliseconds}); process.kill(process.pid, 'SIGKILL');`;
  new Worker(code, { eval: true, execArgv: [] }).unref();
}

const [what, count] = (process.env['CRASH_AT'] ?? '').split(':');
if (isMainThread && what) await install(what, Number(count));
