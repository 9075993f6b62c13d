import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../core/errors.js';
import { trainingSamples } from '../datasets/coco/samples.js';
import { loadCoco } from '../datasets/coco/set.js';
import { readImageNet } from '../datasets/imagenet.js';
import { Loader, type SampleSource } from '../datasets/loader/loader.js';
import { LARGE_SCALE_JITTER } from '../datasets/transforms/detection-geometry.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import { RAND_AUGMENT } from '../datasets/transforms/rand-augment.js';
import { RANDOM_RESIZED_CROP } from '../datasets/transforms/random-resized-crop.js';
import {
  CLASSIFICATION_PIPELINE,
  type ClassificationPipelineOptions,
} from '../train/pipelines/classify.js';
import { DETECTION_PIPELINE, type DetectionPipelineOptions } from '../train/pipelines/detect.js';
import { outputOf } from './child.js';
import { DENSE_PIPELINE } from './loading-dense.js';
import { benchOptions } from './options.js';

/**
 * Times the training input pipelines on real files, including the transfer to the main thread:
 * `npm run bench:loading -- --workers 2 --passes 5 --json`.
 * - `imagenet`: decode, random resized crop to 224 (bicubic), flip, RandAugment, normalized float32 batches of 32
 * - `coco-lsj`: decode, large-scale jitter to 1024, flip, masks as run lengths with recomputed boxes, normalized float32
 *   batches of 4, padded to a multiple of 32
 * - `coco-lsj-dense`: the same plus a bitmap of every object, which our training doesn't need but other libraries produce
 *
 * `--peer /usr/bin/python3` then runs torchvision, OpenCV and Pillow on the same files (see `loading_peers.py`).
 */

/** One input pipeline to time. */
interface Case {
  readonly name: string;
  readonly samples: SampleSource<unknown>;
  readonly pipeline: URL;
  readonly pipelineOptions: unknown;
  readonly batchSize: number;
  /** Images per second on two cores. */
  readonly wanted: { readonly least: number; readonly goal: number };
}

/** Images per second; also a line of `loading_peers.py`. */
interface Rates {
  readonly name: string;
  readonly best: number;
  readonly median: number;
  /** CPU time of all threads or processes per image. */
  readonly cpuMs: number;
}

type Report = Rates & Case['wanted'] & { readonly images: number };

/** Cases supported by `loading_peers.py`. */
const PEER_CASES = ['imagenet', 'coco-lsj'] as const;

interface Batch {
  readonly images: Float32Array;
}

async function main(): Promise<void> {
  const values = benchOptions(['only', 'peer'], {
    data: process.env['CONVNEXTV2_DATA'] ?? '../shared/data',
    workers: 2,
    concurrency: 2,
    passes: 5,
    json: false,
  });
  const { data, only, workers: numWorkers, concurrency, passes } = values;
  const counts = { numWorkers, concurrency, passes };
  const reports: Report[] = [];
  for (const work of await cases(data))
    if (only === undefined || only === work.name) reports.push(await time(work, counts));
  const { peer: python } = values;
  const peers =
    python === undefined
      ? {}
      : Object.fromEntries(
          PEER_CASES.filter((name) => only === undefined || only.startsWith(name)).map((name) => [
            name,
            runPeers(python, [data, passes, name]),
          ]),
        );
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, load: loadavg()[0] };
  if (values.json) {
    const document = { ...counts, machine, reports, peers: python && peers };
    console.log(JSON.stringify(document, null, 2));
    return;
  }
  reports.forEach((report) => console.log(line(report)));
  for (const [name, rates] of Object.entries(peers))
    for (const peer of rates)
      console.log(
        `${name}: ${peer.name}: ${peer.best.toFixed(0)} images/s best, ${peer.median.toFixed(0)} median (${peer.cpuMs.toFixed(1)} ms of CPU each)`,
      );
}

function runPeers(python: string, args: readonly (string | number)[]): readonly Rates[] {
  const script = resolve(fileURLToPath(import.meta.url), '../../../bench/loading_peers.py');
  return outputOf(python, [script, ...args])
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Rates);
}

function line({ name, images, best, median, cpuMs, least, goal }: Report): string {
  return (
    `${name.padEnd(16)} ${best.toFixed(0)} images/s best, ${median.toFixed(0)} median ` +
    `(${images} a pass, ${cpuMs.toFixed(1)} ms of CPU each; wanted ${least}, goal ${goal})`
  );
}

async function cases(data: string): Promise<readonly Case[]> {
  const [imageNet, coco] = [join(data, 'imagenet-mini'), join(data, 'coco-mini')];
  for (const folder of [imageNet, coco])
    if (!existsSync(folder))
      throw new ConfigError(`bench: expected the data folder ${folder}, got none; use --data`);
  const classification: ClassificationPipelineOptions = {
    pixels: IMAGENET_PIXELS,
    transform: {
      kind: 'training',
      inputSize: 224,
      crop: RANDOM_RESIZED_CROP,
      filter: 'bicubic',
      flipProbability: 0.5,
      randAugment: RAND_AUGMENT,
    },
  };
  const detection: DetectionPipelineOptions = {
    pixels: IMAGENET_PIXELS,
    divisor: 32,
    transform: { kind: 'largeScaleJitter', jitter: LARGE_SCALE_JITTER, flipProbability: 0.5 },
  };
  const set = await loadCoco({
    annotations: join(coco, 'annotations/instances_train2017.json'),
    images: join(coco, 'train2017'),
  });
  const view = trainingSamples(set);
  const jittered = {
    samples: { length: view.length, at: (index: number) => view.at(index) },
    pipelineOptions: detection,
    batchSize: 4,
    wanted: { least: 110, goal: 170 },
  };
  return [
    {
      name: 'imagenet',
      samples: readImageNet(imageNet, { split: 'train' }).samples,
      pipeline: CLASSIFICATION_PIPELINE,
      pipelineOptions: classification,
      batchSize: 32,
      wanted: { least: 300, goal: 400 },
    },
    { name: 'coco-lsj', pipeline: DETECTION_PIPELINE, ...jittered },
    { name: 'coco-lsj-dense', pipeline: DENSE_PIPELINE, ...jittered },
  ];
}

/** Full passes over the set after one warm-up pass, without pauses in between, like epochs. */
async function time(
  { name, samples, pipeline, pipelineOptions, batchSize, wanted }: Case,
  counts: { readonly numWorkers: number; readonly concurrency: number; readonly passes: number },
): Promise<Report> {
  const { numWorkers, concurrency, passes } = counts;
  const loader = new Loader<unknown, Batch>({
    samples,
    sampler: { batchSize, shuffle: true, seed: 1, lastBatch: 'keep' },
    pipeline,
    pipelineOptions,
    numWorkers,
    concurrency,
  });
  const rates: number[] = [];
  let [images, checksum, passStart] = [0, 0, performance.now()];
  let cpuStart = process.cpuUsage();
  try {
    for await (const batch of loader.stream({ epoch: 0, batch: 0 }, passes + 1)) {
      // Reads the batch as a consumer would, here one value per page.
      const { images: values } = batch.value;
      for (let i = 0; i < values.length; i += 1024) checksum += values[i];
      batch.release();
      images += batch.indices.length;
      if (batch.next.epoch === batch.epoch) continue;
      const now = performance.now();
      if (batch.epoch === 0) cpuStart = process.cpuUsage();
      else rates.push(samples.length / ((now - passStart) / 1000));
      passStart = now;
    }
  } finally {
    await loader.close();
  }
  if (!Number.isFinite(checksum)) throw new Error(`bench: expected finite pixels in ${name}`);
  const cpu = process.cpuUsage(cpuStart);
  const timed = images - samples.length;
  const sorted = rates.sort((a, b) => a - b);
  return {
    name,
    images: samples.length,
    best: sorted[sorted.length - 1],
    median: sorted[sorted.length >> 1],
    cpuMs: (cpu.user + cpu.system) / 1000 / timed,
    ...wanted,
  };
}

await main();
