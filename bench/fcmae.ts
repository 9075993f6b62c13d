import { loadavg } from 'node:os';
import { fcmaeConfig } from '../backbone/fcmae.js';
import { gatheredEncoder } from '../backbone/fcmae-encoder.js';
import { fcmaeInputs } from '../backbone/fcmae-inputs.js';
import { maskFromNoise, patchGrid } from '../backbone/masking.js';
import { Random } from '../core/random.js';
import type { SpecTree } from '../engine/parameters/spec.js';
import { openEngine, type Engine } from '../engine/runtime/engine.js';
import type { HostTensors, Program } from '../engine/runtime/program.js';
import { createClassifier } from '../models/classifier.js';
import { variant, type ConvNeXtV2Config } from '../backbone/variants.js';
import { createFcmae } from '../models/fcmae.js';
import { median } from '../core/statistics.js';
import { trainedParameters } from '../train/benchmark.js';
import { classifierInputs } from '../train/classify/benchmark.js';
import { denseMaskedEncoder } from './dense-masked-encoder.js';
import { benchOptions } from './options.js';

/**
 * Times a pre-training step (forward, backward, AdamW) with the encoder on visible sites and with the masked dense
 * encoder, compared with the supervised step of the same network and batch, in alternating rounds:
 *
 *     npm run bench:fcmae -- --model tiny --batch 16 --rounds 5
 *
 * Use wall times on an idle machine; CPU times are also meaningful on a busy one (`--threads 1`). Goals for Tiny, 16
 * images of 224 pixels, mask ratio 0.6: dense / gathered ≥ 1.6, dense / supervised ≤ 1.15.
 */

interface Timed {
  readonly name: string;
  readonly wallMs: number[];
  readonly cpuMs: number[];
  step(): Promise<void>;
  release(): Promise<void>;
}

interface Setting {
  readonly config: ConvNeXtV2Config;
  readonly batch: number;
  readonly sizePx: number;
  readonly maskRatio: number;
}

function timed(
  engine: Engine,
  name: string,
  { program, specs, inputs }: { program: Program; specs: SpecTree; inputs: HostTensors },
): Timed {
  const { buffers, store, update } = trainedParameters(specs);
  store.initialize(0);
  const ready = engine.prepare(program, store, {
    gradients: { of: 'loss', into: buffers.gradients },
  });
  return {
    name,
    wallMs: [],
    cpuMs: [],
    step: async () => {
      await ready.run(inputs);
      update(1e-4);
    },
    release: () => ready.release(),
  };
}

function candidates(
  engine: Engine,
  { config, batch, sizePx, maskRatio }: Setting,
): readonly Timed[] {
  const random = new Random(1);
  const classes = 1000;
  const { image, targets } = classifierInputs(batch, sizePx, classes);
  const classifier = createClassifier({ backbone: config, classes, headInitScale: 1 });
  const grid = patchGrid({ height: sizePx, width: sizePx }, 32);
  const noise = Float32Array.from({ length: batch * grid.rows * grid.columns }, () =>
    random.normal(),
  );
  const masked = fcmaeInputs(image, maskFromNoise(noise, grid, maskRatio), 32);
  const pretraining = (name: string, encoder: typeof gatheredEncoder): Timed => {
    const { training, specs } = createFcmae({ ...fcmaeConfig(config), maskRatio }, encoder);
    return timed(engine, name, { program: training, specs, inputs: masked });
  };
  return [
    timed(engine, 'supervised', {
      program: classifier.training,
      specs: classifier.specs,
      inputs: { image, targets },
    }),
    pretraining('dense-masked', denseMaskedEncoder),
    pretraining('gathered', gatheredEncoder),
  ];
}

const least = (values: readonly number[]): number => Math.min(...values);

async function main(): Promise<void> {
  const values = benchOptions([], {
    model: 'tiny',
    batch: 16,
    size: 224,
    ratio: 0.6,
    rounds: 5,
    threads: 0,
    json: false,
  });
  const { threads } = values;
  const engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads, spinning: false });
  const all = candidates(engine, {
    config: variant(values.model),
    batch: values.batch,
    sizePx: values.size,
    maskRatio: values.ratio,
  });
  for (const candidate of all) {
    await candidate.step();
    await candidate.step(); // the memory arena has its final size after the second run
  }
  for (let round = 0; round < values.rounds; round++) {
    for (const candidate of all) {
      const [cpu, start] = [process.cpuUsage(), performance.now()];
      await candidate.step();
      candidate.wallMs.push(performance.now() - start);
      const { user, system } = process.cpuUsage(cpu);
      candidate.cpuMs.push((user + system) / 1000);
    }
  }
  for (const candidate of all) await candidate.release();
  const rows = all.map(({ name, wallMs, cpuMs }) => ({
    name,
    medianMs: median(wallMs),
    minMs: least(wallMs),
    minCpuMs: least(cpuMs),
  }));
  const [supervised, dense, gathered] = rows;
  const ratios = (key: 'medianMs' | 'minMs' | 'minCpuMs'): readonly [number, number] => [
    dense[key] / gathered[key],
    dense[key] / supervised[key],
  ];
  const report = {
    ...values,
    load: loadavg()[0],
    rows,
    denseToGathered: ratios('medianMs')[0],
    denseToSupervised: ratios('medianMs')[1],
    ofLeast: ratios('minMs'),
    ofProcessorTime: ratios('minCpuMs'),
  };
  if (values.json) {
    console.log(JSON.stringify(report));
    return;
  }
  for (const row of rows)
    console.log(
      `${row.name.padEnd(13)} median ${row.medianMs.toFixed(0)} ms, least ${row.minMs.toFixed(0)} ms, processor ${row.minCpuMs.toFixed(0)} ms`,
    );
  const line = (name: string, key: 'medianMs' | 'minMs' | 'minCpuMs'): void => {
    const [toGathered, toSupervised] = ratios(key);
    console.log(
      `${name}: dense / gathered ${toGathered.toFixed(2)} (wanted 1.6), dense / supervised ${toSupervised.toFixed(2)} (wanted at most 1.15)`,
    );
  };
  line('medians', 'medianMs');
  line('least', 'minMs');
  line('processor time', 'minCpuMs');
}

await main();
