import { loadavg } from 'node:os';
import { ConfigError } from '../core/errors.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import { openEngine, type Engine } from '../engine/runtime/engine.js';
import { variant } from '../backbone/variants.js';
import { benchmarkClassifier } from '../train/classify/benchmark.js';
import type { ClassificationConfig } from '../train/config/classify.js';
import { trainingLoader } from '../train/classify/loader.js';
import { SINGLE_PROCESS } from '../train/distributed/communicator.js';
import { WHOLE } from '../train/distributed/shard.js';
import type { LogRecord, StepRates } from '../train/log-record.js';
import { trainTask } from '../train/run.js';
import { classify } from '../train/tasks/classify.js';
import { readImages } from '../train/pretrain/images.js';
import { IMAGENET_1K_RECIPES } from '../train/recipes/imagenet-1k.js';
import { inFolder } from './child.js';
import { benchOptions } from './options.js';

/**
 * Times end-to-end training with the ImageNet recipe (RandAugment, erasing, mixing) on a folder of images, compared with
 * step and loader alone:
 *
 *     npm run bench:throughput -- --data DIR --model atto --batch 32 --steps 30
 *
 * If loader and step share the cores, the expected rate is 1 / (1/step + 1/loader). Goal: at least 0.9 of that. Labels
 * are arbitrary, which does not affect the time.
 */

const CLASSES = 10;

function labeled(folder: string, least: number): ClassificationSet {
  const { samples } = readImages(folder);
  // Small folders are repeated, so that an epoch is long enough.
  const times = Math.ceil(least / samples.length);
  const all = Array.from({ length: times }, () => samples).flat();
  return {
    layout: folder,
    split: 'train',
    samples: all.map(({ file }, i) => ({ file, classIndex: i % CLASSES })),
    classes: Array.from({ length: CLASSES }, (_, k) => ({ key: `${k}`, name: `${k}` })),
    ignoredFiles: [],
  };
}

async function loaderRate(config: ClassificationConfig, set: ClassificationSet): Promise<number> {
  const loader = trainingLoader(config, set.samples, { seed: 0, shard: WHOLE });
  let images = 0;
  let start = 0;
  try {
    for await (const batch of loader.epoch(0)) {
      // The first batch starts the workers.
      if (start === 0) start = performance.now();
      else images += batch.value.indices.length;
      batch.release();
    }
  } finally {
    await loader.close();
  }
  return (1000 * images) / (performance.now() - start);
}

/** Images per second, and the fraction of the time spent waiting for data. */
async function trainingRate(
  engine: Engine,
  config: ClassificationConfig,
  set: ClassificationSet,
  steps: number,
): Promise<{ readonly both: number; readonly dataWait: number }> {
  const records: StepRates[] = [];
  const listener = {
    record: (record: LogRecord): void => {
      if (record.kind === 'train') records.push(record);
    },
  };
  await inFolder((folder) =>
    trainTask(
      classify,
      { ...config, logEvery: steps },
      { training: set },
      {
        engine,
        folder,
        listener,
        seed: 0,
        resume: false,
        communicator: SINGLE_PROCESS,
        // The first interval includes tracing, creation of the session and start of the workers.
        maxSteps: 2 * steps,
      },
    ),
  );
  const { imagesPerSecond, dataWait } = records[1];
  return { both: imagesPerSecond, dataWait };
}

async function main(): Promise<void> {
  const values = benchOptions(['data'], {
    model: 'atto',
    batch: 32,
    steps: 20,
    workers: 2,
    json: false,
  });
  if (values.data === undefined) throw new ConfigError('--data: expected a folder of images');
  const { batch: batchSize, steps, workers } = values;
  const backbone = variant(values.model);
  const recipe = IMAGENET_1K_RECIPES['imagenet-tiny-1k'];
  const config = { ...recipe, backbone, batchSize, accumulation: 1, workers, epochs: 1 };
  const set = labeled(values.data, (2 * steps + 1) * batchSize);
  const engine = await openEngine();
  const loader = await loaderRate(config, set);
  const request = {
    backbone,
    batch: batchSize,
    sizePx: 224,
    mode: 'train',
    frozen: false,
  } as const;
  const timed = { ...request, repeats: Math.min(steps, 10) };
  const { minMs } = await benchmarkClassifier(engine, timed, CLASSES);
  const step = (1000 * batchSize) / minMs;
  const rates = { step, loader, ...(await trainingRate(engine, config, set, steps)) };
  const bound = 1 / (1 / rates.step + 1 / rates.loader);
  if (values.json) {
    console.log(JSON.stringify({ ...values, load: loadavg()[0], ...rates, bound }));
    return;
  }
  console.log(
    [
      `step alone ${rates.step.toFixed(1)} images/s, loader alone ${rates.loader.toFixed(1)} images/s`,
      `training ${rates.both.toFixed(1)} images/s, waiting for data ${(100 * rates.dataWait).toFixed(1)} % of the time`,
      `training / (1 / (1/step + 1/loader)): ${(rates.both / bound).toFixed(3)} (wanted 0.9)`,
    ].join('\n'),
  );
}

await main();
