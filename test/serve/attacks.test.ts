import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { crc32 } from '../../io/crc32.js';
import { post, smallServers } from './start.js';
import { noise } from './small-models.js';

const servers = smallServers();
let url: string;
let port: number;
let photo: Uint8Array<ArrayBuffer>;
const TIMEOUT_MS = 1500;
beforeAll(async () => {
  const server = await servers.start(['classify'], {
    timeoutMs: TIMEOUT_MS,
    maxBodyBytes: 4 * 2 ** 20,
    maxPixels: 2_000_000,
  });
  ({ url } = server);
  port = Number(new URL(url).port);
  photo = new Uint8Array(await noise({ width: 64, height: 48 }));
});

const PREDICT = '/v1/predict/ants';
const PNG = [137, 80, 78, 71, 13, 10, 26, 10];

/** The server answers a photo as before. */
async function expectAlive(): Promise<void> {
  let status = 0;
  // On a busy machine an answer may take longer than the short limit of this server.
  for (let i = 0; i < 4 && status !== 200; i++) {
    if (i > 0) await delay(100);
    status = await post(`${url}${PREDICT}`, photo).then(
      (answer) => answer.status,
      () => 0,
    );
  }
  expect(status).toBe(200);
}

/** Sends bytes over a connection of its own. @returns the answer, when the server has closed it */
function raw(...chunks: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    socket.on('error', () => undefined); // closed while it sends
    socket.on('close', () => resolve(Buffer.concat(got).toString('latin1')));
    for (const chunk of chunks) socket.write(chunk);
  });
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = [Buffer.alloc(4), Buffer.alloc(4)];
  ends[0].writeUInt32BE(data.length);
  ends[1].writeUInt32BE(crc32(body) >>> 0);
  return Buffer.concat([ends[0], body, ends[1]]);
}

function png(width: number, height: number, ...chunks: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const all = [Buffer.from(PNG), chunk('IHDR', header), ...chunks, chunk('IEND', Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat(all));
}

const head = (name: string, rest = ''): string =>
  `POST ${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}\r\n`;

test('bodies that come slowly are given up, and others are served meanwhile', async () => {
  const slow = Array.from({ length: 200 }, () =>
    raw(head(PREDICT, 'Content-Length: 1000\r\n'), 'x'),
  );
  await delay(1050); // then a body that sends nothing is slow, and gives way
  await expectAlive();
  const answers = await Promise.all(slow);
  // More than are let in at once are told so.
  const status = (text: string): string => text.slice(9, 12);
  expect(new Set(answers.map(status))).toEqual(new Set(['408', '503']));
  expect(answers.filter((answer) => status(answer) === '408').length).toBeGreaterThan(120);
});

test('headers without end are refused', async () => {
  expect(await raw(head('/healthz', `X-Long: ${'a'.repeat(100_000)}\r\n`))).toContain('431 ');
  const many = Array.from({ length: 5000 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
  expect(await raw(head('/healthz', many))).toMatch(/431 |400 /);
  expect(await raw(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`)).toContain('431 ');
  // Two lengths, which two servers may read in two ways.
  const both = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n';
  expect(await raw(head(PREDICT, both), '0\r\n\r\n')).toContain('400 Bad Request');
  await expectAlive();
});

test('no path leads to a file', async () => {
  for (const path of [
    '/../../../../etc/passwd',
    '//etc/passwd',
    '/v1/predict/../../../../etc/passwd',
    '/v1/predict/..%2f..%2f..%2fetc%2fpasswd',
    '/v1/predict/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '/v1/predict/ants%00.jpg',
    '/v1/predict/__proto__',
    `/v1/predict/${'a'.repeat(8000)}`,
    '/style.css/../../package.json',
    '/..\\..\\package.json',
  ]) {
    const answer = await raw(head(path, `Content-Length: ${photo.length}\r\n`), photo);
    expect(answer.slice(0, 12), path.slice(0, 60)).toMatch(/^HTTP\/1\.1 4(0[045]|14)/);
    expect(answer.length, path.slice(0, 60)).toBeLessThan(700);
    expect(answer, path.slice(0, 60)).not.toMatch(/root:|"dependencies"/);
  }
});

test('forms of many parts, long headers or no end are refused', async () => {
  const form = { 'content-type': 'multipart/form-data; boundary=a' };
  const part = (name: string): string =>
    `--a\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\nx\r\n`;
  for (const body of [
    part('x').repeat(20_000),
    `--a\r\n${'X: y\r\n'.repeat(100_000)}\r\nx\r\n--a--`,
    `--a\r\nContent-Disposition: form-data; name="${'f'.repeat(2 ** 20)}"\r\n\r\nx\r\n--a--`,
    '--a\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'.repeat(5000),
    part('x').slice(0, -2) + 'y'.repeat(2 ** 21),
    part('../../etc/\u001b[31mx'),
  ]) {
    const { status, json } = await post(`${url}${PREDICT}`, body, form);
    expect([body.slice(0, 60), Math.floor(status / 100)]).toEqual([body.slice(0, 60), 4]);
    expect(JSON.stringify(json)).not.toContain('\u001b');
  }
  await expectAlive();
});

test('JSON that is deep or long is refused at once', async () => {
  const json = { 'content-type': 'application/json' };
  const start = performance.now();
  for (const body of [
    '['.repeat(10_000),
    `{"image":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
    `{"image":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    `{"images":[${'[['.repeat(500_000)}${']]'.repeat(500_000)}]}`,
    `{"images":[${'"QQ==",'.repeat(400_000)}"QQ=="]}`,
    `{"images":[${'1,'.repeat(1_500_000)}1]}`,
    `{${Array.from({ length: 200_000 }, (_, i) => `"${i}":0`).join()}}`,
  ]) {
    const { status, json: answer } = await post(`${url}${PREDICT}`, body, json);
    expect([body.slice(0, 20), status]).toEqual([body.slice(0, 20), 400]);
    expect(JSON.stringify(answer).length).toBeLessThan(1000);
  }
  expect(performance.now() - start).toBeLessThan(15_000);
  await expectAlive();
});

test('images that say or hold more pixels than they may are refused before they are decoded', async () => {
  const zeros = new Uint8Array(20_000_000);
  const text = chunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(zeros)]));
  const idat = chunk('IDAT', deflateSync(zeros));
  const jpeg = Uint8Array.from(photo);
  const sof = jpeg.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(jpeg[i + 1]));
  jpeg.set([0xff, 0xdc, 0xff, 0xdc], sof + 5); // 65500 x 65500
  const gif = Uint8Array.from([...Buffer.from('GIF89a'), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x3b]);
  const cases: readonly (readonly [Uint8Array<ArrayBuffer>, number])[] = [
    [png(60_000, 60_000, idat), 413],
    [png(2 ** 31 - 1, 2 ** 31 - 1), 413],
    // Within the limit of pixels, but rows and columns take many times their memory.
    [png(2 ** 20 + 1, 1, idat), 413],
    [png(1, 2 ** 20 + 1, idat), 413],
    [jpeg, 413],
    [gif, 400], // beyond the decoder's own limit
    [png(4, 4, idat), 200], // only the pixels that it says are decoded
    [png(4, 4, text, idat), 200],
    [new Uint8Array(gzipSync(zeros)), 400],
  ];
  for (const [i, [body, status]] of cases.entries())
    expect([i, (await post(`${url}${PREDICT}`, body)).status]).toEqual([i, status]);
  const gzipped = { 'content-encoding': 'gzip' };
  const body = new Uint8Array(gzipSync(photo));
  expect((await post(`${url}${PREDICT}`, body, gzipped)).status).toBe(400);
  await expectAlive();
});

test('the type of a body is what it holds, and other methods are none', async () => {
  for (const type of ['text/html', 'application/x-www-form-urlencoded', 'image/svg+xml', 'a/b'])
    expect((await post(`${url}${PREDICT}`, photo, { 'content-type': type })).status).toBe(200);
  const wrong = { 'content-type': 'application/json' };
  expect((await post(`${url}${PREDICT}`, photo, wrong)).status).toBe(400);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    expect((await fetch(`${url}${PREDICT}`, { method })).status).toBe(405);
});

test('a connection ends after its requests, and those that are sent ahead do not keep others waiting', async () => {
  const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const socket = connect(port, '127.0.0.1');
  const ended = once(socket, 'close');
  let answers = '';
  for (let i = 1; i <= 256; i++) {
    socket.write(get);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    answers = answer.toString();
    expect([i, /^connection: close/im.test(answers)]).toEqual([i, i === 256]);
  }
  expect(answers).toContain('200 OK');
  socket.on('error', () => undefined);
  socket.write(get);
  await ended;
  const start = process.cpuUsage();
  const ahead = await raw(get.repeat(20_000));
  const { user, system } = process.cpuUsage(start);
  expect(ahead.split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(256);
  expect((user + system) / 1000).toBeLessThan(1000); // 2000 if all are handled
  await expectAlive();
});

test('clients that do not read their answer are cut off', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  const document = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
  for (let i = 0; i < 3000; i++) socket.write(document);
  // A paused socket does not see its end, but writing to one that is closed fails.
  const failed = new Promise((resolve) => socket.on('error', resolve));
  await expectAlive();
  // Twice the quiet time: Node waits once more where it has something to write.
  for (let i = 0; i < 25 && !socket.destroyed; i++) {
    await delay(800);
    socket.write(document);
  }
  expect(socket.destroyed).toBe(true);
  await failed;
}, 60_000);

test('a thousand silent connections are dropped or closed', async () => {
  const sockets: Socket[] = [];
  const numClosed = (): number => sockets.filter(({ destroyed }) => destroyed).length;
  for (let i = 0; i < 1000; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    sockets.push(socket);
  }
  await expectAlive();
  for (let i = 0; numClosed() < 1000 && i < 100; i++) await delay(100);
  expect(numClosed()).toBe(1000);
  await expectAlive();
}, 30_000);
