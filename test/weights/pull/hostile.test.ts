import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ConfigError, WeightsError, WorkError } from '../../../core/errors.js';
import { acquireLock } from '../../../io/files/lock.js';
import { download } from '../../../weights/pull/download.js';
import { explainedWrite } from '../../../weights/pull/disk.js';
import { PartialFile } from '../../../weights/pull/partial.js';
import { pullWeights, type PulledFile, type PullOptions } from '../../../weights/pull/pull.js';
import { readRecord } from '../../../weights/record.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { startFileServer, type FileServer } from './file-server.js';

const { folder } = temporaryFolder();
const content = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let server: FileServer;
let other: FileServer;
let cacheFolder: string;
let numFolders = 0;
beforeAll(async () => {
  server = await startFileServer();
  other = await startFileServer();
});
beforeEach(() => {
  cacheFolder = join(folder, `cache${numFolders++}`);
});

const pull = (
  options: Partial<PullOptions> & { readonly url?: string; readonly sha256Prefix?: string } = {},
): Promise<PulledFile> => {
  const { url = server.url, sha256Prefix, ...rest } = options;
  const source = { url, fileName: 'weights.pt', license: 'MIT', sha256Prefix };
  return pullWeights(source, { cacheFolder, retries: 1, retryDelayMs: 1, ...rest });
};

/** Expects a refusal at once that leaves nothing in the cache. */
async function expectRefused(
  pulling: Promise<PulledFile>,
  message: string | RegExp,
): Promise<void> {
  const error = await pulling.then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  expect(error).toBeInstanceOf(WeightsError);
  expect(error?.message).toMatch(message);
  expect(await readdir(cacheFolder)).toEqual([]);
}

test.each([
  ['text/html; charset=utf-8', '\n <!DOCTYPE html><html><title>Sign in</title>'],
  ['application/octet-stream', '<html><body>blocked by the proxy</body></html>'],
  ['application/json', '{"error":"Repository not found"}'],
  ['text/html', ''.padEnd(100, 'a')],
  ['text/plain', 'version https://git-lfs.github.com/spec/v1\noid sha256:0'],
])('a page of type %s in place of the file is recognized', async (contentType, page) => {
  server.serve({ content: text(page), contentType });
  await expectRefused(pull(), /expected a weight file, got a (page|pointer).*begins with "/);
  expect(server.ranges).toHaveLength(1);
});

test('the message has no control characters of the page', async () => {
  server.serve({ content: text('<html>\x1b[31m\r\nred'), contentType: 'text/html' });
  await expectRefused(pull(), /begins with "<html> \[31m red"/);
});

test('a redirect to another host is refused, one on the same host is followed', async () => {
  server.serve({ content, redirect: other.url });
  await expectRefused(
    pull(),
    `expected the file from ${new URL(server.url).host} or another host of the publishers over https, got a redirect to http://${new URL(other.url).host}`,
  );
  server.serve({ content, redirect: '/elsewhere/weights.pt' }, { content });
  expect((await readFile((await pull()).file)).equals(content)).toBe(true);
});

test.each([
  ['http://dl.fbaipublicfiles.com/weights.pt'],
  ['http://huggingface.co/weights.pt'],
  ['https://huggingface.co.evil.example/weights.pt'],
  ['https://evil-hf.co/weights.pt'],
  ['file:///etc/passwd'],
  ['//user@evil.example/x'],
])('a redirect to %s is refused', async (redirect) => {
  server.serve({ content, redirect });
  await expectRefused(pull(), 'got a redirect to');
});

test('redirects without end or address are errors', async () => {
  server.serve({ content, redirect: '/again' });
  await expectRefused(pull(), 'expected at most 5 redirects, got more');
  server.serve({ content, redirect: 'http://' });
  await expectRefused(pull(), 'expected a redirect with an address, got "http://"');
});

test.each(['http://dl.fbaipublicfiles.com/w.pt', 'ftp://localhost/w.pt', 'weights.pt'])(
  '%s is no address to pull from',
  async (url) => {
    await expect(pull({ url })).rejects.toThrow(ConfigError);
    await expect(pull({ url })).rejects.toThrow(/expected an address that begins with https/);
  },
);

test('a body without end is cut at the largest size, one announced too large is not begun', async () => {
  server.serve({ content, noLength: true, endless: true });
  await expectRefused(
    pull({ maxBytes: 1_000_000 }),
    /expected at most 1\.0 MB, got 1\.\d MB and more/,
  );
  const seen: number[] = [];
  server.serve({ content, claimedLength: 2_000_000 });
  await expectRefused(
    pull({ maxBytes: 1_000_000, onProgress: ({ receivedBytes }) => seen.push(receivedBytes) }),
    /expected at most 1\.0 MB, got 2\.0 MB/,
  );
  expect(seen).toEqual([]);
});

test('a file that does not have the published checksum is refused, also one put there by hand', async () => {
  const sha256 = createHash('sha256').update(content).digest('hex');
  server.serve({ content, etag: '"a"' });
  await expectRefused(
    pull({ sha256Prefix: '00000000' }),
    `expected a file with sha256 00000000… as published, got ${sha256}`,
  );
  expect((await pull({ sha256Prefix: sha256.slice(0, 8) })).sha256).toBe(sha256);
  await rm(join(cacheFolder, 'weights.pt.json'));
  await expect(pull({ sha256Prefix: '00000000' })).rejects.toThrow('as published');
  expect(await readRecord(join(cacheFolder, 'weights.pt'))).toBeUndefined();
});

test('a file that changed on the server since it was recorded is refused until the record is deleted', async () => {
  server.serve({ content, etag: '"a"' });
  const { file } = await pull();
  await rm(file);
  const changed = content.map((byte) => byte ^ 1);
  server.serve({ content: changed, etag: '"b"' });
  await expect(pull()).rejects.toThrow(
    /expected sha256 \w{64} as recorded on \d{4}-.*the file on the server changed since; delete .*weights\.pt\.json/,
  );
  expect(existsSync(file)).toBe(false);
  await rm(`${file}.json`);
  expect((await pull()).downloaded).toBe(true);
});

test('a file that does not fit on the disk is not begun', async () => {
  server.serve({ content, claimedLength: 2 ** 53 - 1 });
  const pulling = pull({ maxBytes: Infinity });
  await expect(pulling).rejects.toThrow(WorkError);
  await expect(pulling).rejects.toThrow(
    /expected 9007199255 MB of free space, got \d+ MB; free some, or choose another folder with --cache or CONVNEXTV2_CACHE/,
  );
  expect(await readdir(cacheFolder)).toEqual([]);
});

test('a disk that is full while the file comes is named with the remedy', async () => {
  // A device that has no room for a single byte.
  if (!existsSync('/dev/full')) return console.log('skipped: no /dev/full');
  server.serve({ content, noLength: true });
  vi.spyOn(PartialFile.prototype, 'begin').mockResolvedValue();
  vi.spyOn(PartialFile.prototype, 'discard').mockResolvedValue();
  try {
    const writing = download(server.url, '/dev/full', 'x');
    await expect(writing).rejects.toThrow(WorkError);
    await expect(writing).rejects.toThrow(
      'pull: /dev/full: expected to write it, got no space left; free some, or choose another folder',
    );
  } finally {
    vi.restoreAllMocks();
  }
});

test('a folder that takes no file is named with the remedy', async () => {
  const denied = Object.assign(new Error('EACCES: denied'), { code: 'EACCES' });
  expect(explainedWrite(denied, 'w.pt')).toMatchObject({
    message: expect.stringContaining('expected to write it, got no permission') as unknown,
  });
  const bug = new TypeError('x');
  expect(explainedWrite(bug, 'w.pt')).toBe(bug);
  await mkdir(cacheFolder);
  const file = join(cacheFolder, 'file');
  await writeFile(file, '');
  await expect(pull({ cacheFolder: join(file, 'below') })).rejects.toThrow(
    `${join(file, 'below', 'weights.pt')}: expected to write it, got a file in place of a folder; choose another folder`,
  );
});

test('a second process waits for the first, and finds the file', async () => {
  server.serve({ content, etag: '"a"' });
  const lock = await acquireLock(join(cacheFolder, 'weights.pt.lock'), { what: 'first' });
  const waited: string[] = [];
  const waiting = pull({ onWait: (holder) => waited.push(holder) });
  const holder = new RegExp(`^process ${process.pid} on ${hostname()} `);
  await vi.waitFor(() => expect(waited).toEqual([expect.stringMatching(holder)]));
  await writeFile(join(cacheFolder, 'weights.pt'), content);
  lock.release();
  expect(await waiting).toMatchObject({ downloaded: false });
  expect(server.ranges).toEqual([]);
});

test('waiting ends with the remedy when the other process does not move on', async () => {
  const path = join(cacheFolder, 'weights.pt.lock');
  const lock = await acquireLock(path, { what: 'first' });
  const waited: string[] = [];
  const waiting = (): Promise<PulledFile> =>
    pull({ stallMs: 500, onWait: (holder) => waited.push(holder) });
  const refused = waiting();
  await expect(refused).rejects.toThrow(WorkError);
  await expect(refused).rejects.toThrow(
    new RegExp(`got one by process ${process.pid} on .* \\(if it is gone, delete ${path}\\)$`),
  );
  let size = 0;
  const growing = setInterval(
    () => void writeFile(join(cacheFolder, 'weights.pt.part'), content.subarray(0, ++size)),
    100,
  );
  const moving = waiting();
  await delay(1200);
  clearInterval(growing);
  await rm(join(cacheFolder, 'weights.pt.part'));
  await writeFile(join(cacheFolder, 'weights.pt'), content);
  lock.release();
  expect(await moving).toMatchObject({ downloaded: false });
  expect(waited).toHaveLength(2);
});

test('a resumed body that goes on behind the end of the file is cut there', async () => {
  server.serve({ content, etag: '"a"', cutAfter: 10_000 }, { content, status: 503 });
  await expect(pull({ retries: 0 })).rejects.toThrow(WorkError);
  server.serve({ content, etag: '"a"', noLength: true, endless: true });
  await expectRefused(pull(), /expected at most 0\.1 MB, got \d\.\d MB and more/);
});
