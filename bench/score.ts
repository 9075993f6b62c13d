import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IouType } from '../core/coco.js';
import { sha256OfFile } from '../io/files/sha256.js';
import { scoreCoco, type CocoScoreTimes } from '../tools/score/coco.js';
import { outputOf } from './child.js';
import { writeScoreProblem, type ProblemFiles, type RecordedScores } from './score-problem.js';
import { benchOptions } from './options.js';

/**
 * Times the COCO evaluation on a problem of val2017 size: `npm run bench:score -- --images 5000 --runs 3 --json`. Every
 * run is a separate process that reads the files, evaluates and accumulates; generating the problem is not timed. Exits
 * with 1 if files or results differ from the recorded ones.
 *
 * `--peer python3` runs pycocotools after each of our runs, with an interpreter that can import it (see `coco_peer.py`).
 */

/** Output of a run and of `coco_peer.py`, which has no `threads`. */
interface RunReport {
  readonly threads?: number | undefined;
  readonly steps: CocoScoreTimes;
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly stats: readonly number[];
}

const RECORDED = JSON.parse(
  readFileSync(new URL('../../bench/score-recorded.json', import.meta.url), 'utf8'),
) as RecordedScores;
const SELF = fileURLToPath(import.meta.url);
const PEER = fileURLToPath(new URL('../../bench/coco_peer.py', import.meta.url));
const KINDS = [
  { name: 'boxes', iouType: 'bbox', stats: 'boxStats' },
  { name: 'masks', iouType: 'segm', stats: 'maskStats' },
] as const;

async function main(): Promise<void> {
  const values = benchOptions(['dir', 'peer', 'child', 'gt', 'dt'], {
    images: 5000,
    runs: 3,
    json: false,
  });
  if (values.child !== undefined) {
    await report(values.child as IouType, values.gt ?? '', values.dt ?? '');
    return;
  }
  const { images: numImages, runs: numRuns } = values;
  if (!(numImages >= 1) || !(numRuns >= 1))
    throw new Error(
      `bench: expected --images and --runs from 1, got ${values.images}, ${values.runs}`,
    );
  const recorded = RECORDED[numImages];
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
    const peers: RunReport[] = [];
    for (let i = 0; i < numRuns; i++) {
      const [gt, dt] = [problem.gt, problem[name]];
      runs.push(reportOf(process.execPath, [SELF, '--child', iouType, '--gt', gt, '--dt', dt]));
      if (values.peer !== undefined) peers.push(reportOf(values.peer, [PEER, gt, dt, iouType]));
    }
    const ours = summary(runs);
    const worst = recorded ? maxDifference(ours.stats, recorded[stats]) : undefined;
    document[name] = {
      ...ours,
      maxDifferenceFromRecorded: worst,
      pycocotools: peers.length === 0 ? undefined : comparePeer(summary(peers), ours),
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
  const document: RunReport = {
    threads,
    steps: seconds,
    seconds: (performance.now() - start) / 1000,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    stats: result.stats,
  };
  console.log(JSON.stringify(document));
}

const reportOf = (command: string, args: readonly string[]): RunReport =>
  JSON.parse(outputOf(command, args)) as RunReport;

/** The fastest of the runs, with the median time and the largest memory. */
function summary(runs: readonly RunReport[]): RunReport & { readonly secondsMedian: number } {
  const sorted = runs.toSorted((a, b) => a.seconds - b.seconds);
  const [{ seconds, threads, steps, stats }] = sorted;
  return {
    seconds,
    secondsMedian: sorted[Math.floor((sorted.length - 1) / 2)].seconds,
    threads,
    steps,
    peakRssBytes: Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes)),
    stats,
  };
}

function comparePeer({ stats, ...peer }: RunReport, ours: RunReport): object {
  return {
    ...peer,
    timesOurs: peer.seconds / ours.seconds,
    maxDifferenceFromOurs: maxDifference(ours.stats, stats),
  };
}

/** Generates the files unless they exist, and compares their hashes with the recorded ones. */
async function prepare(
  numImages: number,
  dir: string,
  recorded: ProblemFiles | undefined,
): Promise<ProblemFiles> {
  mkdirSync(dir, { recursive: true });
  const [gt, boxes, masks] = ['gt', 'boxes', 'masks'].map((name) => join(dir, `${name}.json`));
  const files = { gt, boxes, masks };
  const hashesOfFiles = async (): Promise<ProblemFiles> => ({
    gt: await sha256OfFile(gt),
    boxes: await sha256OfFile(boxes),
    masks: await sha256OfFile(masks),
  });
  const mark = join(dir, 'sha256.json'); // written last: the files before it are complete
  const exist = [mark, gt, boxes, masks].every((file) => existsSync(file));
  let hashes = exist ? await hashesOfFiles() : undefined;
  if (!hashes || JSON.stringify(hashes) !== readFileSync(mark, 'utf8')) {
    console.error(`bench: generating ${numImages} images in ${dir}`);
    writeScoreProblem(numImages, files);
    hashes = await hashesOfFiles();
    writeFileSync(mark, JSON.stringify(hashes));
  }
  if (!recorded) console.error(`bench: no hashes and numbers are recorded for ${numImages} images`);
  for (const name of ['gt', 'boxes', 'masks'] as const)
    if (recorded && hashes[name] !== recorded[name])
      throw new Error(
        `bench: expected ${name} with SHA-256 ${recorded[name]}, got ${hashes[name]}`,
      );
  return files;
}

function maxDifference(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? NaN))));
}

await main();
