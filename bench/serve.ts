import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { ConfigError } from '../core/errors.js';
import { Random } from '../core/random.js';
import { open } from '../inference/open.js';
import { isImageName } from '../io/files/images.js';

/**
 * Loads a server with many clients and compares each answer with the library's:
 * `npm run bench:serve -- --model RUN [--photos DIR] [--seconds 60 --connections 64] [--json]`.
 * One request in 20 has a broken body and one in 20 hangs or leaves in its middle. Without `--photos`, pictures of noise
 * from 64x64 to 2000x1500. Fails for a wrong answer and for a status of 5xx other than 503.
 */

/** A request and its right answer. */
interface Case {
  readonly kind: 'image' | 'broken' | 'hung';
  readonly body: Buffer;
  /** JSON of the prediction; undefined: an error of status 4xx. */
  readonly expected?: string;
}

/** Counts of a run. */
interface Counts {
  readonly statuses: Map<string, number>;
  readonly latenciesMs: number[];
  readonly healthMs: number[];
  readonly residentMb: number[];
  readonly problems: string[];
}

const SIZES = [
  [64, 64],
  [320, 240],
  [640, 480],
  [1280, 960],
  [2000, 1500],
] as const;
/** Time limit of the server's requests, so that hung ones end within a short run. */
const TIMEOUT_S = 10;
const SCORE = 0.3;

async function pictures(folder: string | undefined): Promise<readonly Buffer[]> {
  if (folder !== undefined)
    return readdirSync(folder)
      .filter(isImageName)
      .slice(0, 40)
      .map((name) => readFileSync(join(folder, name)));
  const random = new Random(1);
  return Promise.all(
    SIZES.flatMap(([width, height]) =>
      (['jpeg', 'png'] as const).map((format) => {
        const data = Uint8Array.from({ length: 3 * 32 * 24 }, () => random.integer(256));
        return sharp(data, { raw: { width: 32, height: 24, channels: 3 } })
          .resize(width, height, { fit: 'fill' })
          .toFormat(format)
          .toBuffer();
      }),
    ),
  );
}

/** Predicts the pictures in this process. */
async function casesOf(model: string, bodies: readonly Buffer[]): Promise<readonly Case[]> {
  const opened = await open(model);
  try {
    const cases: Case[] = [];
    for (const body of bodies) {
      const result = await opened.predict(body, { score: SCORE, top: 5 });
      const { task: _, ...fields } = JSON.parse(JSON.stringify(result)) as { task: string };
      cases.push({ kind: 'image', body, expected: JSON.stringify({ name: 'image', ...fields }) });
    }
    return cases;
  } finally {
    await opened.release();
  }
}

async function startServer(
  model: string,
): Promise<{ readonly url: string; process: ChildProcess }> {
  const cli = fileURLToPath(new URL('../tools/cli.js', import.meta.url));
  const flags = ['--port', '0', '--json', '--timeout', String(TIMEOUT_S), '--score', String(SCORE)];
  const server = spawn(process.execPath, [cli, 'serve', model, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  return { url: (JSON.parse(line) as { url: string }).url, process: server };
}

/** Sends a request; hung ones send half of their body and then wait, or leave. */
function send(
  url: string,
  agent: Agent,
  { kind, body }: Case,
  leaves: boolean,
): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()]),
      );
    });
    sent.on('error', reject);
    if (kind !== 'hung') return void sent.end(body);
    sent.write(body.subarray(0, body.length / 2));
    if (leaves) setTimeout(() => sent.destroy(), 200);
  });
}

async function client(
  url: string,
  cases: readonly Case[],
  { seed, endMs }: { readonly seed: number; readonly endMs: number },
  counts: Counts,
): Promise<void> {
  const random = new Random(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const images = cases.filter(({ kind }) => kind === 'image');
  const broken = cases.filter(({ kind }) => kind === 'broken');
  while (Date.now() < endMs) {
    const draw = random.integer(20);
    const image = images[random.integer(images.length)];
    const each: Case =
      draw === 0
        ? broken[random.integer(broken.length)]
        : draw === 1
          ? { kind: 'hung', body: image.body }
          : image;
    const startedMs = performance.now();
    try {
      const [status, text] = await send(url, agent, each, random.integer(2) === 0);
      count(counts.statuses, `${each.kind} ${status}`);
      if (status === 503) await delay(200);
      if (each.kind === 'image' && status === 200) {
        counts.latenciesMs.push(performance.now() - startedMs);
        const { predictions } = JSON.parse(text) as { predictions: object[] };
        if (JSON.stringify(predictions[0]) !== each.expected)
          counts.problems.push(`wrong answer for ${each.body.length} bytes`);
      } else if (status >= 500 && status !== 503) counts.problems.push(`${status}: ${text}`);
      else if (each.kind === 'image' && status !== 503) counts.problems.push(`${status}: ${text}`);
      else if (each.kind === 'broken' && status < 400) counts.problems.push('broken body accepted');
    } catch (error) {
      count(counts.statuses, `${each.kind} ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
      if (each.kind !== 'hung') counts.problems.push(String(error));
    }
  }
  agent.destroy();
}

const count = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Asks for health and memory while the clients run. */
async function watch(url: string, endMs: number, counts: Counts): Promise<void> {
  for (let turn = 0; Date.now() < endMs; turn++) {
    const startedMs = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    counts.healthMs.push(performance.now() - startedMs);
    if (turn % 10 === 0) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const resident = /^process_resident_memory_bytes (\S+)/m.exec(text)?.[1];
      counts.residentMb.push(Math.round(Number(resident) / 2 ** 20));
    }
    await delay(200);
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      photos: { type: 'string' },
      seconds: { type: 'string', default: '60' },
      connections: { type: 'string', default: '64' },
      json: { type: 'boolean', default: false },
    },
  });
  const { model, photos, json } = values;
  if (model === undefined) throw new ConfigError('bench:serve: expected --model RUN, got none');
  const seconds = Number(values.seconds);
  const images = await casesOf(model, await pictures(photos));
  const [{ body }] = images;
  const broken = [body.subarray(0, body.length / 3), Buffer.from('{"image": 1'), Buffer.from('x')];
  const cases = [...images, ...broken.map((each) => ({ kind: 'broken', body: each }) as const)];
  const { url, process: server } = await startServer(model);
  const counts: Counts = {
    ...{ statuses: new Map(), latenciesMs: [], healthMs: [], residentMb: [], problems: [] },
  };
  const endMs = Date.now() + 1000 * seconds;
  await Promise.all([
    watch(url, endMs, counts),
    ...Array.from({ length: Number(values.connections) }, (_, i) =>
      client(`${url}/v1/predict`, cases, { seed: i + 1, endMs }, counts),
    ),
  ]);
  server.kill('SIGTERM');
  const [code] = (await once(server, 'exit')) as [number];
  const { latenciesMs, healthMs, residentMb, problems } = counts;
  const document = {
    ...{ model, seconds, connections: Number(values.connections) },
    machine: { cores: cpus().length, load: loadavg()[0] },
    imagesPerSecond: latenciesMs.length / seconds,
    latencyMs: Object.fromEntries(
      [0.5, 0.9, 0.99].map((q) => [`p${100 * q}`, quantile(latenciesMs, q)]),
    ),
    healthMs: { p50: quantile(healthMs, 0.5), p99: quantile(healthMs, 0.99) },
    residentMb,
    statuses: Object.fromEntries([...counts.statuses].sort()),
    exitCode: code,
    problems: problems.length,
  };
  if (json) console.log(JSON.stringify(document));
  else console.dir(document, { depth: 3 });
  problems.slice(0, 10).forEach((problem) => console.error(problem));
  if (problems.length > 0 || code !== 0) process.exitCode = 1;
}

await main();
