import { request, type ClientRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { ConfigError, WeightsError } from '../../core/errors.js';
import { nameModels } from '../../serve/options.js';
import { startServer, type RunningServer } from '../../serve/server.js';
import { get, post, SERVE_DEFAULTS, smallServers } from './start.js';
import { noise } from './small-models.js';

const servers = smallServers();
let small: Uint8Array<ArrayBuffer>;
let photo: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  small = new Uint8Array(await noise({ width: 96, height: 64 }));
  photo = new Uint8Array(await noise({ width: 4000, height: 3000 }));
});

const metric = async ({ url }: RunningServer, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
};

/** Posts like `fetch`, but can be cut off and stays on its own connection. */
function send(url: string, body: Uint8Array, length = body.length): ClientRequest {
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-length': length },
  });
  sent.on('error', () => undefined);
  sent.write(body);
  if (length === body.length) sent.end();
  return sent;
}

test('health answers at once while eight photos of 12 megapixels wait', async () => {
  const server = await servers.start(['detect']);
  await post(`${server.url}/v1/predict`, photo); // builds the sessions
  const photos = Array.from({ length: 8 }, () => post(`${server.url}/v1/predict`, photo));
  let numOpen = photos.length;
  photos.forEach((each) => void each.finally(() => numOpen--));
  const times: number[] = [];
  let isLoaded = false;
  while (numOpen > 0) {
    const startedMs = performance.now();
    const { status } = await get(`${server.url}/healthz`);
    times.push(performance.now() - startedMs);
    expect(status).toBe(200);
    isLoaded ||= (await metric(server, 'convnextv2_queue_images')) >= 4;
    await delay(10);
  }
  for (const { status, json } of await Promise.all(photos)) {
    expect(status).toBe(200);
    expect(json['predictions']).toEqual([expect.objectContaining({ width: 4000, height: 3000 })]);
  }
  expect(isLoaded).toBe(true);
  // Other programs on this machine may delay one or the other, but not most of them.
  times.sort((a, b) => a - b);
  expect(times.length).toBeGreaterThan(10);
  expect(times[Math.floor(0.8 * times.length)]).toBeLessThan(50);
}, 120_000);

test('a full queue answers 503 with Retry-After; what it has is answered', async () => {
  const server = await servers.start(['detect'], { queue: 3 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => post(`${server.url}/v1/predict`, small)),
  );
  const full = answers.filter(({ status }) => status === 503);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
  expect(full.length).toBeGreaterThan(0);
  for (const { headers, json } of full) {
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(json).toMatchObject({ error: { code: 'QueueFull' } });
  }
  expect((await post(`${server.url}/v1/predict`, small)).status).toBe(200);
  expect(await metric(server, 'convnextv2_requests_total{model="",status="503"}')).toBe(
    full.length,
  );
});

test('a client that leaves is dropped from the queue', async () => {
  const server = await servers.start(['detect']);
  await post(`${server.url}/v1/predict`, small);
  const before = await metric(server, 'convnextv2_images_total');
  const leaving = Array.from({ length: 6 }, () => send(`${server.url}/v1/predict`, photo));
  while ((await metric(server, 'convnextv2_queue_images')) < 3) await delay(5);
  leaving.forEach((each) => each.destroy());
  expect((await post(`${server.url}/v1/predict`, small)).status).toBe(200);
  expect(await metric(server, 'convnextv2_queue_images')).toBe(0);
  // One or two had begun.
  expect((await metric(server, 'convnextv2_images_total')) - before).toBeLessThanOrEqual(3);
}, 60_000);

test('what takes too long is answered 503, and a body that does not come 408', async () => {
  const server = await servers.start(['detect'], { timeoutMs: 400 });
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => post(`${server.url}/v1/predict`, photo)),
  );
  const late = answers.filter(({ status }) => status === 503);
  expect(late.length).toBeGreaterThan(0);
  for (const { json } of late) expect(json).toMatchObject({ error: { code: 'Timeout' } });
  const hung = send(`${server.url}/v1/predict`, small.subarray(0, 100), small.length);
  const status = await new Promise((resolve) =>
    hung.on('response', (response) => resolve(response.statusCode)),
  );
  expect(status).toBe(408);
}, 60_000);

test('a token is asked for, in constant places', async () => {
  const server = await servers.start(['classify'], { token: 'secret-1' });
  for (const path of ['/v1/models', '/metrics', '/v2'])
    for (const headers of [{}, { authorization: 'Bearer other' }, { authorization: 'secret-1' }]) {
      const { status, json, headers: answered } = await get(`${server.url}${path}`, headers);
      expect([path, status]).toEqual([path, 401]);
      expect(answered.get('www-authenticate')).toBe('Bearer');
      expect(json).toMatchObject({ error: { code: 'Unauthorized' } });
    }
  expect((await post(`${server.url}/v1/predict`, small)).status).toBe(401);
  const headers = { authorization: 'Bearer secret-1' };
  expect((await post(`${server.url}/v1/predict`, small, headers)).status).toBe(200);
  expect((await get(`${server.url}/v1/models`, headers)).status).toBe(200);
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs'])
    expect((await get(`${server.url}${path}`)).status).toBe(200);
});

test('closing answers what was accepted and refuses the rest', async () => {
  const server = await servers.start(['detect']);
  await post(`${server.url}/v1/predict`, small);
  const photos = Array.from({ length: 3 }, () => post(`${server.url}/v1/predict`, photo));
  while ((await metric(server, 'convnextv2_running_images')) < 2) await delay(5);
  const closed = server.close();
  expect(await Promise.all(photos)).toEqual(
    photos.map(() => expect.objectContaining({ status: 200 }) as unknown),
  );
  await closed;
  await server.ended;
  await expect(get(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
}, 60_000);

test('what is not HTTP is answered in the form of the other errors', async () => {
  const { url } = await servers.start(['classify']);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('hello\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(
    /^HTTP\/1\.1 400 Bad Request[^]*"error":\{"code":"BadRequest"/,
  );
});

test('models are named after their folders, once', () => {
  expect(nameModels(['runs/boxes/', 'a/best.safetensors', 'x=runs/boxes', 'tiny.fcmae'])).toEqual([
    { name: 'boxes', path: 'runs/boxes/' },
    { name: 'best', path: 'a/best.safetensors' },
    { name: 'x', path: 'runs/boxes' },
    { name: 'tiny.fcmae', path: 'tiny.fcmae' },
  ]);
  expect(() => nameModels(['a/run', 'b/run'])).toThrow(/different names.*NAME=b\/run/);
  expect(() => nameModels(['my run'])).toThrow(/letters.*NAME=my run/);
});

test('mistakes are refused before or at the start', async () => {
  const options = { ...SERVE_DEFAULTS, models: [servers.paths().detect] };
  const { url } = await servers.start(['classify']);
  await expect(startServer({ ...options, models: [] })).rejects.toThrow(ConfigError);
  await expect(startServer({ ...options, queue: 0 })).rejects.toThrow(/--queue/);
  await expect(startServer({ ...options, token: 'a b' })).rejects.toThrow(/--token/);
  await expect(startServer({ ...options, token: '' })).rejects.toThrow(/empty.*CONVNEXTV2_TOKEN/);
  await expect(startServer({ ...options, port: Number(new URL(url).port) })).rejects.toThrow(
    /another --port/,
  );
  const absent = await startServer({ ...options, models: ['/nowhere/run'] });
  await expect(absent.ready).rejects.toThrow(WeightsError);
  expect((await get(`${absent.url}/readyz`)).status).toBe(503);
  await absent.close();
});
