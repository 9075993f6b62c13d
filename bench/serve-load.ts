import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../core/random.js';
import { median, quantile } from '../core/statistics.js';
import { processUsage } from './process-usage.js';
import { differenceOf, largePhoto, type Case, type Cases } from './serve-cases.js';

/** Time limit of a body: of the server's, and after which a hung client of the others leaves. */
export const TIMEOUT_S = 10;
/** Fraction of the requests with a broken body, and of those that hang: one in so many. */
const ONE_IN = 20;
/** Interval of the memory's samples. */
const SAMPLE_MS = 2000;
/** Photos that are queued while health is asked for. */
const NUM_PHOTOS = 8;
/** Growth of the memory over the second half of a run up to which it counts as flat. */
const FLAT = 0.05;

/** A server under load. */
export interface Target {
  readonly url: string;
  readonly pid: number;
}

/** Options of {@link load}. */
export interface LoadOptions {
  readonly seconds: number;
  readonly connections: number;
  /** Largest difference of a number from that of `predict`. */
  readonly tolerance: number;
}

/** Throughput and delays of a server under load. */
export interface LoadReport {
  readonly imagesPerSecond: number;
  /** CPU time of the server per answered image. */
  readonly cpuMsPerImage: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number };
  readonly healthMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly memory: MemoryReport;
  /** By kind of request and status, or code of an error. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly largestDifference: number;
  readonly problems: readonly string[];
}

/** Resident memory of a server. */
interface MemoryReport {
  /** Evenly thinned out to at most 60 samples. */
  readonly seriesMb: readonly number[];
  readonly maxMb: number;
  /** Median of the last quarter of the run over that of the quarter before, minus 1. */
  readonly growth: number;
  readonly isFlat: boolean;
}

interface Counts {
  readonly statuses: Map<string, number>;
  readonly latenciesMs: number[];
  readonly healthMs: number[];
  readonly residentMb: number[];
  readonly problems: string[];
  largestDifference: number;
}

/** Sends a request; hung ones send half of their body and then wait, or leave at once. */
function send(
  url: string,
  agent: Agent,
  { kind, body }: Case,
  leavesAtOnce: boolean,
): Promise<readonly [status: number, text: string]> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        clearTimeout(leaves);
        resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()]);
      });
    });
    const leaveMs = leavesAtOnce ? 200 : 1500 * TIMEOUT_S;
    const leaves =
      kind === 'hung' ? setTimeout(() => sent.destroy(), leaveMs) : (undefined as never);
    sent.on('error', (error) => {
      clearTimeout(leaves);
      reject(error);
    });
    if (kind === 'hung') sent.write(body.subarray(0, body.length / 2));
    else sent.end(body);
  });
}

/** One client: requests until the end, one after the other. */
async function client(
  url: string,
  { images, broken }: Cases,
  { seed, endMs, tolerance }: LoadOptions & { readonly seed: number; readonly endMs: number },
  counts: Counts,
): Promise<void> {
  const random = new Random(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (Date.now() < endMs) {
    const draw = random.integer(ONE_IN);
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
      if (each.kind === 'image' && status === 200)
        counts.latenciesMs.push(performance.now() - startedMs);
      const problem = problemOf(each, status, text, tolerance, counts);
      if (problem !== undefined) counts.problems.push(problem);
    } catch (error) {
      count(counts.statuses, `${each.kind} ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
      if (each.kind !== 'hung') counts.problems.push(`${each.kind}: ${String(error)}`);
    }
  }
  agent.destroy();
}

/** Says what is wrong with an answer, if anything is. */
function problemOf(
  { kind, expected, body }: Case,
  status: number,
  text: string,
  tolerance: number,
  counts: Counts,
): string | undefined {
  if (status >= 500 && status !== 503) return `${kind} ${status}: ${text}`;
  if (kind === 'broken' && status < 400) return 'broken body accepted';
  if (kind !== 'image' || status === 503) return undefined;
  if (status !== 200) return `${kind} ${status}: ${text}`;
  const { predictions } = JSON.parse(text) as { predictions: readonly object[] };
  const difference = differenceOf(predictions[0], expected, tolerance);
  counts.largestDifference = Math.max(counts.largestDifference, difference);
  return difference <= tolerance
    ? undefined
    : `wrong answer for ${body.length} bytes: ${JSON.stringify(predictions[0]).slice(0, 300)}`;
}

const count = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Asks for health, and for memory, while the clients run. */
async function watch({ url, pid }: Target, endMs: number, counts: Counts): Promise<void> {
  for (let sampleMs = 0; Date.now() < endMs;) {
    counts.healthMs.push(await healthMs(url));
    if (Date.now() >= sampleMs) {
      counts.residentMb.push(processUsage(pid).residentMb);
      sampleMs = Date.now() + SAMPLE_MS;
    }
    await delay(100);
  }
}

async function healthMs(url: string): Promise<number> {
  const startedMs = performance.now();
  await (await fetch(`${url}/healthz`)).text();
  return performance.now() - startedMs;
}

/** Predicts each picture twice, so that sessions are built, then loads the server until the end of the time. */
export async function load(
  target: Target,
  cases: Cases,
  options: LoadOptions,
): Promise<LoadReport> {
  const counts: Counts = {
    statuses: new Map(),
    latenciesMs: [],
    healthMs: [],
    residentMb: [],
    problems: [],
    largestDifference: 0,
  };
  const url = `${target.url}/v1/predict`;
  for (let round = 0; round < 2; round++)
    await Promise.all(
      cases.images.map(({ body }) =>
        fetch(url, { method: 'POST', body: new Uint8Array(body) }).then((answer) => answer.text()),
      ),
    );
  const before = processUsage(target.pid);
  const startedMs = Date.now();
  const endMs = startedMs + 1000 * options.seconds;
  await Promise.all([
    watch(target, endMs, counts),
    ...Array.from({ length: options.connections }, (_, i) =>
      client(url, cases, { ...options, seed: i + 1, endMs }, counts),
    ),
  ]);
  const after = processUsage(target.pid);
  const seconds = (Date.now() - startedMs) / 1000;
  const { latenciesMs, healthMs: health, residentMb, statuses, problems } = counts;
  const ms = (values: readonly number[], q: number): number => Math.round(quantile(values, q));
  return {
    imagesPerSecond: latenciesMs.length / seconds,
    cpuMsPerImage: (1000 * (after.cpuSeconds - before.cpuSeconds)) / latenciesMs.length,
    latencyMs: { p50: ms(latenciesMs, 0.5), p90: ms(latenciesMs, 0.9), p99: ms(latenciesMs, 0.99) },
    healthMs: { p50: ms(health, 0.5), p99: ms(health, 0.99), max: ms(health, 1) },
    memory: memoryReport(residentMb),
    statuses: Object.fromEntries([...statuses].sort()),
    largestDifference: counts.largestDifference,
    problems,
  };
}

function memoryReport(samples: readonly number[]): MemoryReport {
  const quarter = Math.max(1, samples.length >> 2);
  const last = median(samples.slice(-quarter));
  const before = median(samples.slice(-2 * quarter, -quarter));
  const growth = last / before - 1;
  const step = Math.ceil(samples.length / 60);
  return {
    seriesMb: samples.filter((_, i) => i % step === 0),
    maxMb: Math.max(...samples),
    growth,
    isFlat: growth <= FLAT,
  };
}

/** Times of answers in milliseconds. */
export interface HealthReport {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Times of `/healthz` while photos of 12 megapixels wait and are predicted. */
export async function healthUnderPhotos({ url }: Target): Promise<HealthReport> {
  const body = new Uint8Array(await largePhoto());
  const post = (): Promise<Response> => fetch(`${url}/v1/predict`, { method: 'POST', body });
  await (await post()).text();
  let numOpen = NUM_PHOTOS;
  const photos = Array.from({ length: NUM_PHOTOS }, async () => {
    await (await post()).text();
    numOpen--;
  });
  const times: number[] = [];
  while (numOpen > 0) {
    times.push(await healthMs(url));
    await delay(5);
  }
  await Promise.all(photos);
  return {
    count: times.length,
    p50: median(times),
    p99: quantile(times, 0.99),
    max: Math.max(...times),
  };
}
