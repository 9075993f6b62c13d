import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../core/errors.js';
import { median } from '../core/statistics.js';
import { SHAPES_DEFAULTS, writeShapes } from '../datasets/shapes/write.js';
import { openEngine } from '../engine/runtime/engine.js';
import { open as loadModel } from '../inference/open.js';
import { lineChart } from '../report/svg-chart.js';
import { predictFiles } from '../train/predict-files.js';
import { train } from '../train/train.js';
import { inFolder } from './child.js';
import { benchOptions } from './options.js';

/**
 * Watches the resident memory of long work with a small model, a detector with masks by default: training steps, predictions
 * that are written to files, and models that are opened and released: `npm run bench:soak -- --out soak.svg --json`, with
 * `--task classify` or `--task segment` those of another task. A number of 0 leaves a part out; a model needs 1 step. A detector
 * finds at most `--max` objects in an image, 10 by default; their masks are all written and drawn, whatever their scores.
 * Predictions take `--threads`, by default those of an engine; with `--unwritten`, they are not written, which takes most of the time.
 *
 * Goal: after a warm-up of a fifth, the median of the last fifth is at most 3 % above that of the first fifth that follows.
 */
const GOAL = 0.03;

interface Series {
  readonly name: string;
  readonly points: readonly (readonly [count: number, mebibytes: number])[];
  /** Relative growth after the warm-up. */
  readonly growth: number;
}

/** Calls of one kind, each with the memory after it. */
class Recorder {
  private readonly points: [number, number][] = [];
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly total: number,
  ) {}

  /** At most 500 points. */
  next(): void {
    if (++this.count % Math.max(1, Math.floor(this.total / 500)) !== 0) return;
    globalThis.gc?.();
    this.points.push([this.count, process.memoryUsage.rss() / 2 ** 20]);
  }

  finish(): Series {
    const { name, points } = this;
    const fifth = Math.max(1, Math.floor(points.length / 5));
    const of = (part: typeof points): number => median(part.map(([, rss]) => rss));
    const early = of(points.slice(fifth, 2 * fifth));
    return { name, points, growth: of(points.slice(-fifth)) / early - 1 };
  }
}

const COMMON = [
  ...['backbone.depths=[1,1,1,1]', 'backbone.dims=[8,16,24,32]'],
  ...['batchSize=2', 'accumulation=1', 'workers=1', 'logEvery=1'],
];
const BY_EPOCHS = ['epochs=1000000', 'evaluateEvery=1000000', 'checkpointEvery=50'];

/** Settings of each task over its recipe. */
const SETTINGS = {
  classify: [...COMMON, ...BY_EPOCHS, 'training.inputSize=32', 'evaluation.inputSize=32'],
  detect: [
    ...[...COMMON, ...BY_EPOCHS, 'detector.channels=16'],
    ...['training.scales.shortSides=[64]', 'training.scales.longSide=64'],
    ...['training.scales.crop.shortSides=[64]', 'training.scales.crop.sides=[64,64]'],
    ...['evaluation.limits.long=64', 'evaluation.limits.short=64'],
  ],
  segment: [
    ...[...COMMON, 'head.channels=16', 'steps=1000000', 'warmup.steps=1'],
    ...['evaluateEverySteps=1000000', 'checkpointEverySteps=50'],
    ...['evaluation.limits.long=64', 'evaluation.limits.short=64'],
    ...['evaluation.window.cropSize=64', 'evaluation.window.stride=43'],
  ],
};
type Task = keyof typeof SETTINGS;

async function main(): Promise<void> {
  const values = benchOptions(['out'], {
    task: 'detect',
    steps: 2000,
    predictions: 10000,
    loads: 1000,
    max: 10,
    threads: 0,
    unwritten: false,
    json: false,
  });
  const { steps, predictions, loads, max, threads } = values;
  await inFolder(async (root) => {
    const data = join(root, 'data');
    const task = values.task as Task;
    if (!(values.task in SETTINGS))
      throw new ConfigError(`--task: expected classify, detect or segment, got ${values.task}`);
    const images = await writeImages(data, task);
    const run = join(root, 'run');
    const series = [await trainFor(task, run, data, steps)];
    if (predictions > 0)
      series.push(
        await predictFor({
          run,
          images,
          out: values.unwritten ? undefined : join(root, 'out'),
          count: predictions,
          max,
          threads,
        }),
      );
    if (loads > 0) series.push(await loadFor(run, loads));
    report(
      series.filter(({ points }) => points.length >= 10),
      values.out,
      values.json,
    );
  });
}

/** Small images with annotations, label maps, or in folders of two classes. @returns the folder of images to predict */
async function writeImages(data: string, task: Task): Promise<string> {
  const shapes = { train: 40, val: 10, width: 64, height: 64, maxObjects: 4 };
  const labels = task === 'segment';
  const made = task === 'classify' ? join(data, '..', 'shapes') : data;
  await writeShapes(made, { ...SHAPES_DEFAULTS, ...shapes, minObjects: 1, labels });
  if (task === 'classify')
    for (const split of ['train', 'val'])
      for (const [i, name] of readdirSync(join(made, split)).entries()) {
        const folder = join(data, split, `class${i % 2}`);
        mkdirSync(folder, { recursive: true });
        copyFileSync(join(made, split, name), join(folder, name));
      }
  return join(made, 'val');
}

async function trainFor(task: Task, folder: string, data: string, steps: number): Promise<Series> {
  const recorder = new Recorder('training steps', steps);
  const yaml = join(data, 'segment.yaml');
  await train(task === 'segment' ? 'segment-finetune' : task, {
    folder,
    data: task === 'segment' ? yaml : data,
    steps,
    set: SETTINGS[task],
    report: false,
    seed: 1,
    listener: {
      record: ({ kind }) => {
        if (kind === 'train') recorder.next();
      },
    },
  });
  return recorder.finish();
}

/** Predictions of one soak. */
interface Predicting {
  readonly run: string;
  /** Folder of the images, which are predicted in turn. */
  readonly images: string;
  readonly out: string | undefined;
  readonly count: number;
  /** Most objects of an image. */
  readonly max: number;
  readonly threads: number;
}

async function predictFor(predicting: Predicting): Promise<Series> {
  const { run, images, out, count, max, threads } = predicting;
  const recorder = new Recorder('predictions', count);
  const own = readdirSync(images).sort();
  const files = Array.from({ length: count }, (_, i) => join(images, own[i % own.length]));
  const model = await loadModel(run, { engine: await openEngine({ threads }), max });
  if (out !== undefined) mkdirSync(out, { recursive: true });
  try {
    await predictFiles(model, files, { out, score: 0, onText: () => recorder.next() });
  } finally {
    await model.release();
  }
  return recorder.finish();
}

async function loadFor(run: string, count: number): Promise<Series> {
  const recorder = new Recorder('models opened and released', count);
  const engine = await openEngine();
  const image = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(90) };
  for (let i = 0; i < count; i++) {
    const model = await loadModel(run, { engine });
    if (i % 10 === 0) await model.predict(image);
    await model.release();
    recorder.next();
  }
  return recorder.finish();
}

function report(series: readonly Series[], out: string | undefined, json: boolean): void {
  if (out !== undefined)
    writeFileSync(
      out,
      lineChart({
        title: 'Resident memory of long work',
        xLabel: 'part of the work, percent',
        yLabel: 'MiB',
        series: series.map(({ name, points }) => {
          const last = points.at(-1)?.[0] ?? 1;
          return { name, points: points.map(([count, rss]) => [(100 * count) / last, rss]) };
        }),
      }),
    );
  const rows = series.map(({ name, points, growth }) => ({
    name,
    count: points.at(-1)?.[0] ?? 0,
    lastMiB: points.at(-1)?.[1] ?? 0,
    growth,
    isFlat: growth <= GOAL,
  }));
  if (json) console.log(JSON.stringify({ goal: GOAL, rows }));
  else
    for (const { name, count, lastMiB, growth, isFlat } of rows)
      console.log(
        `${name.padEnd(28)} ${String(count).padStart(6)}  ${lastMiB.toFixed(0).padStart(6)} MiB  ` +
          `${(100 * growth).toFixed(1).padStart(6)} %  ${isFlat ? 'flat' : `above ${100 * GOAL} %`}`,
      );
}

await main();
