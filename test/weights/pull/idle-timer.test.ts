import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IdleTimer } from '../../../weights/pull/idle-timer.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the timer expires after silence, not while it is restarted', () => {
  const onExpire = vi.fn();
  const timer = new IdleTimer(100, onExpire);
  for (let i = 0; i < 5; i++) {
    vi.advanceTimersByTime(99);
    timer.restart();
  }
  expect([timer.expired, onExpire.mock.calls.length]).toEqual([false, 0]);
  vi.advanceTimersByTime(100);
  expect([timer.expired, onExpire.mock.calls.length]).toEqual([true, 1]);
});

test('a stopped timer never expires', () => {
  const onExpire = vi.fn();
  new IdleTimer(100, onExpire).stop();
  vi.advanceTimersByTime(1000);
  expect(onExpire).not.toHaveBeenCalled();
});
