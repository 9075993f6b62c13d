import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job } from '../../serve/messages.js';
import { ModelThread } from '../../serve/model-thread.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noise, saveSmallModels } from './small-models.js';

const { folder } = temporaryFolder();
const notices: string[] = [];
let thread: ModelThread;
let bytes: Buffer;

beforeAll(async () => {
  const { classify } = await saveSmallModels(folder);
  bytes = await noise({ width: 96, height: 64 });
  thread = new ModelThread({
    setup: { models: [{ name: 'ants', path: classify }], options: {}, maxPixels: 1e6 },
    capacity: 4,
    onNotice: (line) => notices.push(line),
  });
  await thread.ready;
});
afterAll(() => thread.close());

const job = (): Job => ({
  model: 'ants',
  images: [{ name: 'a', bytes: new Uint8Array(bytes) }],
  format: 'json',
  score: 0,
  top: 1,
});
const submit = (signal = new AbortController().signal): Promise<Uint8Array> =>
  thread.submit(job(), signal);

test('a thread that ends fails what it has with 503, and is started again', async () => {
  expect(thread.models).toHaveLength(1);
  const before = Buffer.from(await submit()).toString();
  const pending = submit();
  // As an abort of native code would.
  void (thread as unknown as { readonly worker: Worker }).worker.terminate();
  await expect(pending).rejects.toMatchObject({ status: 503, code: 'ModelStopped' });
  expect(() => thread.assertRoom(1)).toThrow(expect.objectContaining({ code: 'ModelLoading' }));
  expect(notices.join()).toContain('it is started again');
  await thread.ready;
  expect(Buffer.from(await submit()).toString()).toBe(before);
});

test('a signal fails a job at once, queued or running, and frees its place', async () => {
  const abort = new AbortController();
  const jobs = [0, 1, 2].map(() => submit(abort.signal));
  expect(thread.numRunning + thread.numWaiting).toBe(3);
  abort.abort(new Error('left'));
  for (const each of jobs) await expect(each).rejects.toThrow('left');
  await submit();
  // A job that was running has its place until its image is decoded.
  await expect.poll(() => thread.numRunning + thread.numWaiting).toBe(0);
  await expect(submit(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
});
