import { median } from '../core/statistics.js';
import { countMacs } from '../backbone/macs.js';
import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { createFlatBuffers } from '../engine/optimizer/flat-buffers.js';
import { ParameterStore, numParameters, parameterSize } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { HostTensors } from '../engine/runtime/program.js';
import { createClassifier } from './classifier.js';

/** Options of a benchmark. */
export interface BenchmarkOptions {
  readonly config: ConvNeXtV2Config;
  readonly classes: number;
  readonly batch: number;
  /** Side of the square images. */
  readonly sizePx: number;
  /** `train`: forward, backward and an AdamW update. */
  readonly mode: 'infer' | 'train';
  readonly frozen: boolean;
  readonly repeats: number;
}

/** Times of one configuration. */
export interface BenchmarkResult {
  readonly minMs: number;
  readonly medianMs: number;
  readonly timesMs: readonly number[];
  /** Time of the first run, including tracing, opening the session and the first touch of all memory. */
  readonly firstRunMs: number;
  readonly imagesPerSecond: number;
  /** Computed from the median; a multiply-add counts as two operations, a training step as three forward passes. */
  readonly gflops: number;
  readonly parameters: number;
}

/** Times inference or training steps of a classifier with random weights on random images. */
export async function benchmarkClassifier(
  engine: Engine,
  options: BenchmarkOptions,
): Promise<BenchmarkResult> {
  const { config, classes, batch, sizePx, mode, frozen, repeats } = options;
  const model = createClassifier({ backbone: config, classes, headInitScale: 1 });
  const buffers = createFlatBuffers(parameterSize(model.specs), {
    moments: mode === 'train' ? 2 : 0,
  });
  const store = new ParameterStore(model.specs, buffers.parameters);
  store.initialize(0);
  const program =
    mode === 'infer'
      ? engine.prepare(model.inference, store, { frozen })
      : engine.prepare(model.training, store, {
          gradients: { of: 'loss', into: buffers.gradients },
        });
  const inputs = randomInputs(options);
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  let step = 0;
  const once = async (): Promise<number> => {
    const start = performance.now();
    await program.run(inputs);
    if (mode === 'train')
      adamW(buffers, runs, { lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8, step: ++step });
    return performance.now() - start;
  };
  const firstRunMs = await once();
  await once(); // the memory arena has its final size after the second run
  const timesMs: number[] = [];
  for (let i = 0; i < repeats; i++) timesMs.push(await once());
  await program.release();
  const medianMs = median(timesMs);
  const macs =
    countMacs(config, [sizePx, sizePx], classes).products * batch * (mode === 'train' ? 3 : 1);
  return {
    minMs: Math.min(...timesMs),
    medianMs,
    timesMs,
    firstRunMs,
    imagesPerSecond: (1000 * batch) / medianMs,
    gflops: (2 * macs) / medianMs / 1e6,
    parameters: numParameters(model.specs),
  };
}

function randomInputs({ batch, sizePx, classes, mode }: BenchmarkOptions): HostTensors {
  const image = {
    shape: [batch, sizePx, sizePx, 3],
    data: new Float32Array(batch * sizePx * sizePx * 3),
  };
  image.data.forEach((_, i) => (image.data[i] = Math.sin(i)));
  if (mode === 'infer') return { image };
  const targets = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) targets[n * classes + (n % classes)] = 1;
  return { image, targets: { shape: [batch, classes], data: targets } };
}
