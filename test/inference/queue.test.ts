import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { InputError } from '../../core/errors.js';
import { CallQueue } from '../../inference/queue.js';

/** Work that ends when it is told to, and notes when it ran. */
function task(log: string[], name: string): { work: () => Promise<string>; end: () => void } {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<string> => {
    log.push(`${name} begins`);
    await over;
    log.push(`${name} ends`);
    return name;
  };
  return { work, end };
}

test('calls run one after the other in their order; one that fails fails alone', async () => {
  const queue = new CallQueue();
  const log: string[] = [];
  const results = ['a', 'b', 'c'].map((name) =>
    queue.run(async () => {
      log.push(`${name} begins`);
      await delay(2);
      log.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
      return name;
    }),
  );
  expect((await Promise.allSettled(results)).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test('a signal ends a waiting call at once, which then never runs', async () => {
  const queue = new CallQueue();
  const log: string[] = [];
  const [first, second] = [task(log, 'first'), task(log, 'second')];
  const running = queue.run(first.work);
  const control = new AbortController();
  const waiting = queue.run(second.work, control.signal);
  control.abort(new Error('changed my mind'));
  await expect(waiting).rejects.toThrow('changed my mind');
  first.end();
  await expect(running).resolves.toBe('first');
  expect(log).toEqual(['first begins', 'first ends']);
});

test('a signal ends a running call at once; the next one begins when its work is over', async () => {
  const queue = new CallQueue();
  const log: string[] = [];
  const [first, second] = [task(log, 'first'), task(log, 'second')];
  const control = new AbortController();
  const running = queue.run(first.work, control.signal);
  const next = queue.run(second.work);
  control.abort();
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(log).toEqual(['first begins']);
  first.end();
  second.end();
  await expect(next).resolves.toBe('second');
  expect(log).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});

test('a signal that is aborted already refuses the call, and one that comes too late changes nothing', async () => {
  const queue = new CallQueue();
  const early = AbortSignal.abort(new Error('too early'));
  await expect(queue.run(() => Promise.resolve(1), early)).rejects.toThrow('too early');
  const control = new AbortController();
  await expect(queue.run(() => Promise.resolve(2), control.signal)).resolves.toBe(2);
  control.abort();
  await expect(queue.run(() => Promise.resolve(3))).resolves.toBe(3);
});

test('release waits for the running call, refuses the others, and frees once', async () => {
  const queue = new CallQueue();
  const log: string[] = [];
  const [first, second] = [task(log, 'first'), task(log, 'second')];
  const running = queue.run(first.work);
  const waiting = queue.run(second.work);
  const free = (): Promise<void> => Promise.resolve(void log.push('free'));
  const releases = [queue.release(free), queue.release(free)];
  await expect(waiting).rejects.toThrow(InputError);
  await expect(queue.run(second.work)).rejects.toThrow('after release()');
  expect(log).toEqual(['first begins']);
  first.end();
  await Promise.all([running, ...releases]);
  expect(log).toEqual(['first begins', 'first ends', 'free']);
});

test('results, and errors of the work, are given only of weights that are what was saved', async () => {
  let damaged = (_reason: Error): void => undefined;
  const queue = new CallQueue(new Promise((_, reject) => (damaged = reject)));
  const settled: string[] = [];
  const calls = [
    queue.run(() => Promise.resolve('result')),
    queue.run(() => Promise.reject(new Error('NaN'))),
  ].map((call) => call.catch((error: Error) => error.message).then((text) => settled.push(text)));
  await delay(5);
  expect(settled).toEqual([]);
  damaged(new InputError('damaged'));
  await Promise.all(calls);
  expect(settled).toEqual(['damaged', 'damaged']);
});
