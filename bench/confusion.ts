import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { Random } from '../core/random.js';
import { ADE20K_CLASSES } from '../datasets/classes/ade20k.js';
import { loadSegmentation } from '../datasets/segmentation-source.js';
import { decodePngIndices } from '../io/png/indices.js';
import { encodeLabelPng } from '../io/png/write.js';
import type { LabelMap } from '../core/image.js';
import type { SegmentationData } from '../datasets/layout/types.js';
import { detectLayout } from '../datasets/layout/detect.js';
import { SemanticEvaluator } from '../evaluation/semantic/evaluator.js';
import { benchOptions } from './options.js';

/**
 * Times the semantic segmentation metrics on one thread, in megapixels per second of wall time and of CPU time (which is
 * less sensitive to other programs): `npm run bench:confusion -- --data ../shared/data --json`.
 * - `counted`: confusion matrix of label and prediction maps in memory (goal 200)
 * - `noise`: the same for random maps without spatial correlation
 * - `decoded`: decoding label PNGs (with `pngjs` for comparison)
 * - `scored`: decoding and counting pairs of PNGs, as `score ade20k` does (required 60, goal 200)
 *
 * Labels are ADE20K's; predictions are the same maps shifted by a few pixels. A pixel of a pair counts once.
 */

interface Rate {
  readonly name: string;
  readonly best: number;
  readonly median: number;
  /** Megapixels per second of CPU time, best pass. */
  readonly bestCpu: number;
  readonly wanted?: number | undefined;
}

interface Pair {
  readonly label: LabelMap;
  readonly prediction: LabelMap;
}

async function main(): Promise<void> {
  const {
    data: folder,
    passes,
    json,
  } = benchOptions([], {
    data: process.env['CONVNEXTV2_DATA'] ?? '../shared/data',
    passes: 15,
    json: false,
  });
  if (!(passes >= 1)) throw new Error(`bench: expected --passes from 1, got ${passes}`);
  const data = await detectLayout(join(folder, 'ade20k-mini'));
  if (data.kind !== 'segmentation') throw new Error(`bench: expected label maps, got ${data.line}`);
  const files = (await labelFilesOf(data)).map((file) => readFileSync(file));
  const pairs = files.map((bytes): Pair => {
    const { width, height, data: numbers } = decodePngIndices(bytes, 'label');
    const label = { width, height, data: Uint8Array.from(numbers) };
    return { label, prediction: moved(label) };
  });
  const predicted = pairs.map(({ prediction }) => Buffer.from(encodeLabelPng(prediction)));
  const noise = pairs.map(({ label }): Pair => ({ label: noisy(label), prediction: noisy(label) }));
  const megapixels = pairs.reduce((sum, { label }) => sum + label.data.length, 0) / 1e6;
  const rate = (name: string, work: () => void, wanted?: number): Rate => {
    const times = timePasses(work, passes);
    const walls = times.map(({ wall }) => megapixels / wall).sort((a, b) => b - a);
    return {
      name,
      best: walls[0],
      median: walls[walls.length >> 1],
      bestCpu: megapixels / Math.min(...times.map(({ cpu }) => cpu)),
      wanted,
    };
  };
  const rates = [
    rate('counted', () => count(pairs), 200),
    rate('noise', () => count(noise)),
    rate('decoded', () => files.forEach((bytes) => decodePngIndices(bytes, 'label'))),
    rate('decoded by pngjs', () => files.forEach((bytes) => PNG.sync.read(bytes))),
    rate('scored', () => score(files, predicted), 60),
  ];
  const machine = cpus()[0]?.model ?? 'unknown';
  if (json) console.log(JSON.stringify({ megapixels, passes, machine, rates }, null, 2));
  else
    for (const { name, best, median, bestCpu, wanted } of rates)
      console.log(
        `${name.padEnd(16)} ${best.toFixed(0)} MP/s best, ${median.toFixed(0)} median, ${bestCpu.toFixed(0)} a CPU second${wanted === undefined ? '' : ` (wanted ${wanted})`}`,
      );
}

async function labelFilesOf({ splits }: SegmentationData): Promise<readonly string[]> {
  const sets = await Promise.all(Object.values(splits).map(loadSegmentation));
  return sets.flatMap(({ samples }) => samples.map(({ labelFile }) => labelFile));
}

const createEvaluator = (): SemanticEvaluator =>
  new SemanticEvaluator({ numClasses: ADE20K_CLASSES.length, reduceZeroLabel: true });

function count(pairs: readonly Pair[]): void {
  const evaluator = createEvaluator();
  for (const { label, prediction } of pairs) evaluator.update(label.data, prediction.data);
  checkCount(evaluator);
}

function score(labels: readonly Buffer[], predictions: readonly Buffer[]): void {
  const evaluator = createEvaluator();
  labels.forEach((bytes, i) => {
    const label = decodePngIndices(bytes, 'label');
    const prediction = decodePngIndices(predictions[i], 'prediction');
    evaluator.update(label.data, prediction.data);
  });
  checkCount(evaluator);
}

/** Prevents the work from being optimized away, and detects wrong results. */
function checkCount(evaluator: SemanticEvaluator): void {
  const { areas, aAcc } = evaluator.finish();
  if (!(areas.labeled.some((n) => n > 0) && aAcc >= 0))
    throw new Error('bench: expected counted pixels, got none');
}

/** Creates a prediction with errors along borders, as real ones have: the labels shifted by 3 pixels, as class indices. */
function moved({ width, height, data }: LabelMap): LabelMap {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      out[y * width + x] = Math.max(0, data[y * width + Math.max(0, x - 3)] - 1);
  return { width, height, data: out };
}

function noisy({ width, height }: LabelMap): LabelMap {
  const random = new Random(width * height);
  const draw = (): number => random.integer(ADE20K_CLASSES.length);
  return { width, height, data: Uint8Array.from({ length: width * height }, draw) };
}

/** Seconds of each pass after two warm-up passes. */
function timePasses(work: () => void, passes: number): { wall: number; cpu: number }[] {
  const seconds: { wall: number; cpu: number }[] = [];
  for (let pass = -2; pass < passes; pass++) {
    const [start, cpuStart] = [performance.now(), process.cpuUsage()];
    work();
    const wall = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpuStart);
    if (pass >= 0) seconds.push({ wall, cpu: (user + system) / 1e6 });
  }
  return seconds;
}

await main();
