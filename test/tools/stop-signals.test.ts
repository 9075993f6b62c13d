import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { listenForStop } from '../../tools/stop-signals.js';

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
