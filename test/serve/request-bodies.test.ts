import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RequestBodies } from '../../serve/request-bodies.js';

const MB = 2 ** 20;
const LIMITS = { maxBodyBytes: 32 * MB, timeoutMs: 30_000, maxRequests: 100, maxBytes: 128 * MB };

interface FakeRequest {
  readonly request: IncomingMessage;
  readonly socket: { bytesRead: number };
  readonly answers: string[];
}

function request(length?: number): FakeRequest {
  const answers: string[] = [];
  const socket = { bytesRead: 0, writable: true, end: (text: string) => answers.push(text) };
  const headers = length === undefined ? {} : { 'content-length': String(length) };
  return { request: { headers, socket } as unknown as IncomingMessage, socket, answers };
}

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

test('bodies are limited by their sum, of which a body that is read holds only what is kept', () => {
  const bodies = new RequestBodies(LIMITS);
  const large = Array.from({ length: 4 }, () => request(32 * MB));
  for (const each of large) expect(bodies.admit(each.request)).toBe(true);
  expect(bodies.admit(request(1).request)).toBe(false);
  bodies.holds(large[0].request, 2 * MB);
  const small = request(30 * MB);
  expect(bodies.admit(small.request)).toBe(true);
  expect(bodies.admit(request(1).request)).toBe(false);
  // The answer counts until it is sent.
  bodies.holds(small.request, 36 * MB);
  bodies.delete(large[1].request);
  expect(bodies.admit(request(27 * MB).request)).toBe(false);
  expect(bodies.admit(request(26 * MB).request)).toBe(true);
  bodies.delete(large[1].request);
  bodies.holds(large[1].request, 9 * MB);
  expect(bodies.admit(request(1).request)).toBe(false);
});

test('a single request is always let in, and one of unknown length counts as the largest', () => {
  const bodies = new RequestBodies({ ...LIMITS, maxBytes: 40 * MB });
  const unknown = request();
  expect(bodies.admit(unknown.request)).toBe(true);
  expect(bodies.admit(request(9 * MB).request)).toBe(false);
  bodies.delete(unknown.request);
  const alone = new RequestBodies({ ...LIMITS, maxBytes: MB });
  expect(alone.admit(request(32 * MB).request)).toBe(true);
});

test('a body that would not come in time gives way, one that is fast enough or complete does not', () => {
  const bodies = new RequestBodies(LIMITS);
  const [slow, fast, complete, other] = Array.from({ length: 4 }, () => request(32 * MB));
  for (const each of [slow, fast, complete, other]) bodies.admit(each.request);
  bodies.holds(complete.request, 32 * MB);
  vi.advanceTimersByTime(2000);
  // 32 MiB in 30 seconds are 1.07 MiB a second.
  slow.socket.bytesRead = MB;
  fast.socket.bytesRead = other.socket.bytesRead = 3 * MB;
  expect(bodies.admit(request(32 * MB).request)).toBe(true);
  expect(slow.answers).toEqual([expect.stringContaining('408 Request Timeout')]);
  expect([fast, complete, other].flatMap(({ answers }) => answers)).toEqual([]);
  expect(bodies.admit(request(1).request)).toBe(false);
});
