import { fork, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { IouType } from '../core/coco.js';
import { scoreCoco, type CocoScoreTimes } from '../tools/score/coco.js';
import { RECORDED_SCORES, type RecordedScore } from './score-recorded.js';
import { writeScoreProblem } from './score-problem.js';

/**
 * Times the COCO evaluation on a problem of val2017 size: `npm run bench:score -- --images 5000 --runs 3 --json`. Every
 * run is a separate process that reads the files, evaluates and accumulates; generating the problem is not timed. Exits
 * with 1 if files or results differ from the recorded ones.
 *
 * `--peer python3` runs pycocotools after each of our runs, with an interpreter that can import it (see `coco_peer.py`).
 */

interface RunReport {
  readonly threads: number;
  readonly steps: CocoScoreTimes;
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly stats: readonly number[];
}

/** Output of `coco_peer.py`. */
interface PeerReport {
  readonly seconds: number;
  readonly steps: CocoScoreTimes;
  readonly peakRssBytes: number;
  readonly stats: readonly number[];
}

interface Problem {
  readonly gt: string;
  readonly boxes: string;
  readonly masks: string;
}

const KINDS = [
  { name: 'boxes', iouType: 'bbox', stats: 'boxStats' },
  { name: 'masks', iouType: 'segm', stats: 'maskStats' },
] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      images: { type: 'string', default: '5000' },
      runs: { type: 'string', default: '3' },
      dir: { type: 'string' },
      peer: { type: 'string' },
      json: { type: 'boolean', default: false },
      child: { type: 'string' },
      gt: { type: 'string' },
      dt: { type: 'string' },
    },
  });
  if (values.child !== undefined) {
    await report(values.child as IouType, values.gt ?? '', values.dt ?? '');
    return;
  }
  const [numImages, numRuns] = [Number(values.images), Number(values.runs)];
  if (!(numImages >= 1) || !(numRuns >= 1))
    throw new Error(
      `bench: expected --images and --runs from 1, got ${values.images}, ${values.runs}`,
    );
  const recorded = RECORDED_SCORES[numImages];
  const dir = values.dir ?? join(tmpdir(), `convnextv2-bench-score-${numImages}`);
  const problem = await prepare(numImages, dir, recorded);
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  const document: Record<string, unknown> = {
    images: numImages,
    runs: numRuns,
    machine,
  };
  for (const { name, iouType, stats } of KINDS) {
    const runs: RunReport[] = [];
    const peers: PeerReport[] = [];
    for (let i = 0; i < numRuns; i++) {
      runs.push(await runChild(iouType, problem.gt, problem[name]));
      if (values.peer !== undefined)
        peers.push(runPeer(values.peer, [problem.gt, problem[name], iouType]));
    }
    const sorted = [...runs].sort((a, b) => a.seconds - b.seconds);
    const worst = recorded ? maxDifference(sorted[0].stats, recorded[stats]) : undefined;
    document[name] = {
      seconds: sorted[0].seconds,
      secondsMedian: sorted[Math.floor((numRuns - 1) / 2)].seconds,
      threads: sorted[0].threads,
      steps: sorted[0].steps,
      peakRssBytes: Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes)),
      stats: sorted[0].stats,
      maxDifferenceFromRecorded: worst,
      pycocotools: peers.length === 0 ? undefined : summarizePeer(peers, sorted[0]),
    };
    if (worst !== undefined && !(worst <= 1e-12)) {
      process.exitCode = 1;
      console.error(`bench: expected the recorded numbers of ${name} within 1e-12, got ${worst}`);
    }
  }
  console.log(values.json ? JSON.stringify(document) : JSON.stringify(document, null, 2));
}

/** One run, in a separate process. */
async function report(iouType: IouType, gt: string, dt: string): Promise<void> {
  const start = performance.now();
  const { result, seconds, threads } = await scoreCoco({
    gt,
    dt: [dt],
    parts: [],
    iouType,
    parameters: {},
    unknownImages: 'refuse',
    errors: false,
  });
  const message: RunReport = {
    threads,
    steps: seconds,
    seconds: (performance.now() - start) / 1000,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    stats: result.stats,
  };
  process.send?.(message);
}

function runChild(iouType: IouType, gt: string, dt: string): Promise<RunReport> {
  return new Promise((resolve, reject) => {
    const args = ['--child', iouType, '--gt', gt, '--dt', dt];
    const child = fork(fileURLToPath(import.meta.url), args);
    let received: RunReport | undefined;
    child.on('message', (message) => (received = message as RunReport));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (received && code === 0) resolve(received);
      else reject(new Error(`bench: expected a run of ${iouType} to succeed, got code ${code}`));
    });
  });
}

function runPeer(python: string, args: readonly string[]): PeerReport {
  const script = resolve(fileURLToPath(import.meta.url), '../../../bench/coco_peer.py');
  const { stdout, stderr } = spawnSync(python, [script, ...args], { encoding: 'utf8' });
  try {
    return JSON.parse(stdout) as PeerReport;
  } catch (cause) {
    throw new Error(`bench: expected numbers of ${python} ${script}, got ${stdout}${stderr}`, {
      cause,
    });
  }
}

function summarizePeer(peers: readonly PeerReport[], ours: RunReport): object {
  const sorted = [...peers].sort((a, b) => a.seconds - b.seconds);
  return {
    seconds: sorted[0].seconds,
    secondsMedian: sorted[Math.floor((sorted.length - 1) / 2)].seconds,
    steps: sorted[0].steps,
    peakRssBytes: Math.max(...sorted.map(({ peakRssBytes }) => peakRssBytes)),
    timesOurs: sorted[0].seconds / ours.seconds,
    maxDifferenceFromOurs: maxDifference(ours.stats, sorted[0].stats),
  };
}

/** Generates the files unless they exist, and compares their hashes with the recorded ones. */
async function prepare(numImages: number, dir: string, recorded?: RecordedScore): Promise<Problem> {
  mkdirSync(dir, { recursive: true });
  const files = {
    gt: join(dir, 'gt.json'),
    boxes: join(dir, 'boxes.json'),
    masks: join(dir, 'masks.json'),
  };
  const mark = join(dir, 'sha256.json'); // written last: the files before it are complete
  const known = existsSync(mark) ? (JSON.parse(readFileSync(mark, 'utf8')) as Problem) : undefined;
  const current = known && (await hashFiles(files));
  if (!known || !current || JSON.stringify(current) !== JSON.stringify(known)) {
    console.error(`bench: generating ${numImages} images in ${dir}`);
    const digests = writeScoreProblem(numImages, files);
    const hashes = {
      gt: digests.gt.sha256,
      boxes: digests.boxes.sha256,
      masks: digests.masks.sha256,
    };
    writeFileSync(mark, JSON.stringify(hashes));
  }
  const hashes = JSON.parse(readFileSync(mark, 'utf8')) as Problem;
  if (!recorded) console.error(`bench: no hashes and numbers are recorded for ${numImages} images`);
  for (const name of ['gt', 'boxes', 'masks'] as const)
    if (recorded && hashes[name] !== recorded[name])
      throw new Error(
        `bench: expected ${name} with SHA-256 ${recorded[name]}, got ${hashes[name]}`,
      );
  return files;
}

async function hashFiles(files: Problem): Promise<Problem | undefined> {
  if (!Object.values(files).every((file) => existsSync(file as string))) return undefined;
  const hash = async (file: string): Promise<string> => {
    const sum = createHash('sha256');
    for await (const chunk of createReadStream(file)) sum.update(chunk as Buffer);
    return sum.digest('hex');
  };
  return {
    gt: await hash(files.gt),
    boxes: await hash(files.boxes),
    masks: await hash(files.masks),
  };
}

function maxDifference(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? NaN))));
}

await main();
