import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { fcmaeConfig } from '../backbone/fcmae.js';
import { gatheredEncoder } from '../backbone/fcmae-encoder.js';
import { fcmaeInputs } from '../backbone/fcmae-inputs.js';
import { maskFromNoise, patchGrid } from '../backbone/masking.js';
import { Random } from '../core/random.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { createFlatBuffers } from '../engine/optimizer/flat-buffers.js';
import type { SpecTree } from '../engine/parameters/spec.js';
import { ParameterStore, parameterSize } from '../engine/parameters/store.js';
import { openEngine, type Engine } from '../engine/runtime/engine.js';
import type { HostTensors, Program } from '../engine/runtime/program.js';
import { createClassifier } from '../models/classifier.js';
import { variant, type ConvNeXtV2Config } from '../backbone/variants.js';
import { createFcmae } from '../models/fcmae.js';
import { median } from '../core/statistics.js';
import { denseMaskedEncoder } from './dense-masked-encoder.js';

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
  const buffers = createFlatBuffers(parameterSize(specs), { moments: 2 });
  const store = new ParameterStore(specs, buffers.parameters);
  store.initialize(0);
  const ready = engine.prepare(program, store, {
    gradients: { of: 'loss', into: buffers.gradients },
  });
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  const options = { lr: 1e-4, betas: [0.9, 0.95], eps: 1e-8 } as const;
  let step = 0;
  return {
    name,
    wallMs: [],
    cpuMs: [],
    step: async () => {
      await ready.run(inputs);
      adamW(buffers, runs, { ...options, step: ++step });
    },
    release: () => ready.release(),
  };
}

function candidates(
  engine: Engine,
  { config, batch, sizePx, maskRatio }: Setting,
): readonly Timed[] {
  const random = new Random(1);
  const image = {
    shape: [batch, sizePx, sizePx, 3],
    data: Float32Array.from({ length: batch * sizePx ** 2 * 3 }, () => random.normal()),
  };
  const classes = 1000;
  const targets = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) targets[n * classes + n] = 1;
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
      inputs: { image, targets: { shape: [batch, classes], data: targets } },
    }),
    pretraining('dense-masked', denseMaskedEncoder),
    pretraining('gathered', gatheredEncoder),
  ];
}

const least = (values: readonly number[]): number => Math.min(...values);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'tiny' },
      batch: { type: 'string', default: '16' },
      size: { type: 'string', default: '224' },
      ratio: { type: 'string', default: '0.6' },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
    },
  });
  const threads = Number(values.threads);
  const engine = await openEngine({ kind: 'compiled', provider: 'cpu', threads, spinning: false });
  const all = candidates(engine, {
    config: variant(values.model),
    batch: Number(values.batch),
    sizePx: Number(values.size),
    maskRatio: Number(values.ratio),
  });
  for (const candidate of all) {
    await candidate.step();
    await candidate.step(); // the memory arena has its final size after the second run
  }
  for (let round = 0; round < Number(values.rounds); round++) {
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
