import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { listenForStop } from '../../tools/stop-signals.js';
import { testOnLinux } from '../helpers/leave-out.js';

test('a terminal that is closed stops once, however often it is told', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const stop = vi.fn();
  const end = listenForStop(stop);
  try {
    process.emit('SIGHUP', 'SIGHUP');
    await delay(300);
    process.emit('SIGHUP', 'SIGHUP');
    expect([stop.mock.calls.length, exit.mock.calls.length]).toEqual([1, 0]);
  } finally {
    end();
    exit.mockRestore();
  }
  expect(process.listenerCount('SIGHUP')).toBe(0);
});

testOnLinux('nohup is told by its standard input', () => {
  const script = `
    const { isUnderNohup } = await import(${JSON.stringify(new URL('../../dist/tools/hang-up.js', import.meta.url).href)});
    console.log(isUnderNohup());`;
  const run = (input: number | 'ignore'): string =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: [input, 'pipe', 'inherit'],
      encoding: 'utf8',
    }).stdout.trim();
  const unreadable = openSync('/dev/null', 'w');
  expect([run(unreadable), run('ignore')]).toEqual(['true', 'false']);
  closeSync(unreadable);
});

test('a signal that arrives twice at once stops once; another one later ends the process', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const stop = vi.fn();
  const end = listenForStop(stop);
  try {
    process.emit('SIGTERM', 'SIGTERM');
    process.emit('SIGTERM', 'SIGTERM');
    expect([stop.mock.calls.length, exit.mock.calls.length]).toEqual([1, 0]);
    await delay(300);
    process.emit('SIGTERM', 'SIGTERM');
    expect(stop).toHaveBeenCalledTimes(1);
    expect(exit).toHaveBeenCalledWith(130);
  } finally {
    end();
    exit.mockRestore();
  }
});
