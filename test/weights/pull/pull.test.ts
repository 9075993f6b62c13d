import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { WeightsError, WorkError } from '../../../core/errors.js';
import { acquireLock } from '../../../io/files/lock.js';
import { CATALOG } from '../../../weights/catalog.js';
import { isCached, locateWeights } from '../../../weights/pull/cache.js';
import { isOffline } from '../../../weights/pull/offline.js';
import { pullPlan } from '../../../weights/pull/published.js';
import { pullWeights, type PulledFile, type PullOptions } from '../../../weights/pull/pull.js';
import { readRecord } from '../../../weights/record.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { dict, floats, tensor, torchZip } from '../../io/torch/torch-file.js';
import { startFileServer, type FileServer } from './file-server.js';

const { folder } = temporaryFolder();
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const other = content.map((byte) => byte ^ 1);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let server: FileServer;
let cacheFolder: string;
let numFolders = 0;
beforeAll(async () => {
  server = await startFileServer();
});
beforeEach(() => {
  cacheFolder = join(folder, `cache${numFolders++}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const pull = (options: Partial<PullOptions> = {}): Promise<PulledFile> =>
  pullWeights(
    { url: server.url, fileName: 'weights.pt', license: 'CC-BY-NC-4.0' },
    { cacheFolder, retries: 3, retryDelayMs: 1, ...options },
  );

async function expectPulled(
  { file, bytes, sha256: sum }: PulledFile,
  expected = content,
): Promise<void> {
  expect((await readFile(file)).equals(expected)).toBe(true); // toEqual takes seconds on so many bytes
  expect([bytes, sum]).toEqual([expected.length, sha256(expected)]);
  expect((await readdir(cacheFolder)).sort()).toEqual(['weights.pt', 'weights.pt.json']);
}

test('a file is pulled, recorded with its checksum, and checked the next time', async () => {
  server.serve({ content, etag: '"a"', lastModified: 'Thu, 26 Jan 2023 00:00:00 GMT' });
  const seen: number[] = [];
  const pulled = await pull({
    onProgress: ({ receivedBytes, totalBytes }) => seen.push(receivedBytes / (totalBytes ?? 0)),
  });
  expect(pulled.downloaded).toBe(true);
  await expectPulled(pulled);
  expect(seen.at(-1)).toBe(1);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  expect(await readRecord(pulled.file)).toMatchObject({
    url: server.url,
    bytes: content.length,
    sha256: sha256(content),
    etag: '"a"',
    licence: 'CC-BY-NC-4.0',
  });
  expect((await pull()).downloaded).toBe(false);
  expect(server.ranges).toHaveLength(1);
  await writeFile(pulled.file, other);
  await expect(pull()).rejects.toThrow(
    /expected sha256 \w+ as recorded.*delete it and pull it again/,
  );
  await expect(pull()).rejects.toThrow(WeightsError);
});

test('a cut connection is resumed where it broke', async () => {
  server.serve(
    { content, etag: '"a"', cutAfter: 100_000 },
    { content, etag: '"a"', cutAfter: 50_000 },
    { content, etag: '"a"' },
  );
  await expectPulled(await pull());
  expect(server.ranges).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
});

test('a later run resumes what an earlier one left', async () => {
  server.serve({ content, etag: '"a"', cutAfter: 100_000 }, { content, status: 503 });
  await expect(pull({ retries: 1 })).rejects.toThrow(
    /expected status 200, got 503; gave up after 2 attempts \(pull again to resume/,
  );
  server.serve({ content, etag: '"a"' });
  await expectPulled(await pull());
  expect(server.ranges).toEqual(['bytes=100000-']);
});

test('a last-modified date guards a resumed download where there is no etag', async () => {
  const lastModified = 'Thu, 26 Jan 2023 00:00:00 GMT';
  server.serve({ content, lastModified, cutAfter: 1000 }, { content, lastModified });
  await expectPulled(await pull());
  expect(server.ranges).toEqual([undefined, 'bytes=1000-']);
});

test('a file that changed on the server is pulled again from the start', async () => {
  server.serve({ content, etag: '"a"', cutAfter: 100_000 }, { content: other, etag: '"b"' });
  await expectPulled(await pull(), other);
  expect(server.ranges).toEqual([undefined, 'bytes=100000-']);
});

test('a server that ignores If-Range is noticed by etag and length', async () => {
  const longer = new Uint8Array([...other, 1]);
  server.serve(
    { content, etag: '"a"', cutAfter: 100_000 },
    { content: other, etag: '"a"', wrongRange: true },
    { content, etag: '"a"', cutAfter: 100_000 },
    { content: longer, etag: '"a"' },
    { content, etag: '"a"' },
  );
  await expectPulled(await pull());
  expect(server.ranges).toEqual([
    undefined,
    'bytes=100000-',
    undefined,
    'bytes=100000-',
    undefined,
  ]);
});

test('a server without ranges starts again, and one without etag or date does too', async () => {
  server.serve(
    { content, etag: '"a"', cutAfter: 1000, ranges: false },
    { content, etag: '"a"', ranges: false },
  );
  await expectPulled(await pull());
  expect(server.ranges).toEqual([undefined, 'bytes=1000-']);
  cacheFolder += 'b';
  server.serve({ content, cutAfter: 1000 }, { content });
  await expectPulled(await pull());
  expect(server.ranges).toEqual([undefined, undefined]);
  cacheFolder += 'c';
  server.serve({ content, etag: 'W/"a"', cutAfter: 1000 }, { content, etag: 'W/"a"' });
  await expectPulled(await pull());
  expect(server.ranges).toEqual([undefined, undefined]);
});

test('a file of unknown length is pulled whole', async () => {
  server.serve({ content, noLength: true });
  await expectPulled(await pull());
});

test('a server that keeps sending less than it says is an error, and leaves nothing in place', async () => {
  server.serve({
    content,
    claimedLength: content.length + 10,
    ranges: false,
    cutAfter: content.length,
  });
  const error = await pull().catch((caught: unknown) => caught as Error);
  expect(error).toBeInstanceOf(WorkError);
  expect((error as Error).message).toMatch(/gave up after 4 attempts/);
  expect((error as Error).message).not.toContain('\n');
  expect(await readdir(cacheFolder)).not.toContain('weights.pt');
});

test('a connection that falls silent is cut and resumed', async () => {
  server.serve({ content, etag: '"a"', stallAfter: 100_000 }, { content, etag: '"a"' });
  await expectPulled(await pull({ idleTimeoutMs: 200 }));
  expect(server.ranges).toEqual([undefined, 'bytes=100000-']);
});

test('a leftover longer than the file is thrown away', async () => {
  server.serve({ content, etag: '"a"', cutAfter: 100_000 }, { content, status: 503 });
  await expect(pull({ retries: 0 })).rejects.toThrow(WorkError);
  await writeFile(join(cacheFolder, 'weights.pt.part'), new Uint8Array(content.length + 5));
  server.serve({ content, etag: '"a"' });
  await expectPulled(await pull());
});

test('a missing file is an error at once', async () => {
  server.serve({ content, status: 404 });
  await expect(pull()).rejects.toThrow(`pull: ${server.url}: expected status 200, got 404`);
  expect(server.ranges).toHaveLength(1);
});

test('without a network the message says which URL and where to put the file', async () => {
  const gone = await startFileServer();
  await gone.stop();
  const attempt = pullWeights(
    { url: gone.url, fileName: 'weights.pt', license: '' },
    { cacheFolder },
  );
  await expect(attempt).rejects.toThrow(
    `pull: expected to reach ${gone.url}, got ECONNREFUSED; download it elsewhere and put it at ${join(cacheFolder, 'weights.pt')}`,
  );
  await expect(attempt).rejects.toThrow(WorkError);
});

test('a file put there by hand is checked, recorded and checked ever after', async () => {
  await mkdir(cacheFolder);
  const placed = join(cacheFolder, 'weights.pt');
  await writeFile(placed, content);
  server.serve({ content, status: 500 });
  const refuse = () => Promise.reject(new WeightsError('no weights'));
  await expect(pull({ check: refuse })).rejects.toThrow('no weights');
  const checked: string[] = [];
  const check = (path: string) => Promise.resolve(void checked.push(path));
  expect(await pull({ check })).toMatchObject({ downloaded: false, sha256: sha256(content) });
  expect(checked).toEqual([placed]);
  expect((await readRecord(placed))?.url).toBeNull();
  await writeFile(placed, other);
  await expect(pull({ check })).rejects.toThrow('as recorded');
});

test('a download that fails its check takes no place, and the next one starts afresh', async () => {
  server.serve({ content, etag: '"a"' });
  const check = () => Promise.reject(new WeightsError('no weights'));
  await expect(pull({ check })).rejects.toThrow('no weights');
  expect(await readdir(cacheFolder)).toEqual([]);
  await expectPulled(await pull());
});

test('two processes do not pull the same file at once, and a dead one does not block', async () => {
  server.serve({ content });
  const path = join(cacheFolder, 'weights.pt.lock');
  const lock = await acquireLock(path, { what: 'first' });
  const owner = JSON.parse(await readFile(path, 'utf8')) as object;
  await expect(pull()).rejects.toThrow(`got one by process ${process.pid} on ${hostname()} `);
  lock.release();
  await writeFile(path, JSON.stringify({ ...owner, pid: 999999999 }));
  await expectPulled(await pull());
  expect(await readdir(cacheFolder)).not.toContain('weights.pt.lock');
});

test('locateWeights finds files and cached names, and says how to get the others', async () => {
  const [entry] = CATALOG;
  await expect(locateWeights(entry.name, cacheFolder)).rejects.toThrow(
    `run "npx convnextv2 weights pull ${entry.name}", or put ${entry.url} there`,
  );
  expect(isCached(entry, cacheFolder)).toBe(false);
  server.serve({ content });
  const { file } = await pullWeights({ ...entry, url: server.url }, { cacheFolder });
  expect(file).toBe(join(cacheFolder, entry.fileName));
  expect(await locateWeights(entry.name, cacheFolder)).toEqual({ file, entry });
  expect(await locateWeights(file, cacheFolder)).toEqual({ file, entry: undefined });
  await expect(locateWeights('absent/weights.pth', cacheFolder)).rejects.toThrow(
    'absent/weights.pth: expected a weight file, got no such file',
  );
  await expect(locateWeights('tiny.fcmea', cacheFolder)).rejects.toThrow('nearest: tiny.fcmae');
  await mkdir(join(cacheFolder, 'runs/detector/checkpoints'), { recursive: true });
  await writeFile(join(cacheFolder, 'runs/detector/config.json'), '{"format": "convnextv2-run"}');
  const misspelled = join(cacheFolder, 'runs/detectr');
  await expect(locateWeights(misspelled, cacheFolder)).rejects.toThrow(
    `got nothing there; the nearest run: ${join(cacheFolder, 'runs/detector')}`,
  );
  await writeFile(file, other);
  await expect(locateWeights(entry.name, cacheFolder)).rejects.toThrow('as recorded');
});

test.each([
  ['1', true],
  ['TRUE', true],
  ['0', false],
  ['no', false],
  ['', false],
])('CONVNEXTV2_OFFLINE=%s: %s', (value, offline) => {
  vi.stubEnv('CONVNEXTV2_OFFLINE', value);
  expect(isOffline()).toBe(offline);
});

test('a value of CONVNEXTV2_OFFLINE that is no answer is refused before anything is pulled', async () => {
  vi.stubEnv('CONVNEXTV2_OFFLINE', 'maybe');
  await expect(locateWeights(CATALOG[0].name, cacheFolder)).rejects.toThrow(
    'CONVNEXTV2_OFFLINE: expected 1 or 0, got maybe',
  );
});

test('a compressed answer is pulled, whose length is not that of the file', async () => {
  server.serve({ content: gzipSync(content), contentEncoding: 'gzip', etag: '"a"' });
  await expectPulled(await pull());
});

test('a file of the right size with a changed byte is refused, and the address named', async () => {
  const weight = tensor({ key: '0', numel: 4, shape: [4], strides: [1] });
  const values = floats(1.5, 2.5, 3.5, 4.5);
  const archive = Buffer.from(torchZip(dict({ w: weight }), { 0: values }));
  archive[archive.indexOf(Buffer.from(values)) + 5] ^= 1;
  const [entry] = CATALOG.filter(({ version }) => version === 1);
  const { check } = pullPlan(entry);
  server.serve({ content: archive, etag: '"a"' });
  await expect(pull({ check })).rejects.toThrow(
    new RegExp(`^pull: ${server.url}: expected CRC-32 .*; it was not kept$`),
  );
  expect(await readdir(cacheFolder)).toEqual([]);
});
