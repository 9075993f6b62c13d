import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { Random } from '../../core/random.js';
import { adamW } from '../../engine/optimizer/adam-w.js';
import { createFlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { numParameters, ParameterStore, parameterSize } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { createSegmenterPredictor } from '../../inference/segment/predictor.js';
import { type SegmenterInput } from '../../inference/segment/preprocess.js';
import { createUperNet, UPERNET, type UperNetConfig } from '../../models/upernet.js';
import { upernetMacs } from '../../models/upernet-macs.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { createSegmenterTrainer } from './trainer.js';

/** What is timed. */
export interface SegmenterBenchmarkOptions {
  readonly backbone: ConvNeXtV2Config;
  /** Side of the square images, pixels. */
  readonly sizePx: number;
  /** Images of a training step; inference takes as many one after another. */
  readonly batch: number;
  readonly repeats: number;
  /** Store the weights in the graph (inference). */
  readonly frozen: boolean;
  /** Default: 512 channels, 150 classes. */
  readonly head?: UperNetConfig;
}

/** Times of one configuration. */
export interface SegmenterBenchmarkResult {
  readonly minMs: number;
  readonly medianMs: number;
  readonly timesMs: readonly number[];
  /** The first run: capture, session and the first touch of all memory. */
  readonly firstRunMs: number;
  /** Multiply-adds count twice, convolutions as if computed directly; a training step is three forward passes. */
  readonly gflops: number;
  readonly parameters: number;
}

/** Times UPerNet with random weights from normalised image to the class of every pixel. */
export async function benchmarkSegmenter(
  engine: Engine,
  { backbone, sizePx, batch, repeats, frozen, head = UPERNET }: SegmenterBenchmarkOptions,
): Promise<SegmenterBenchmarkResult> {
  const model = createUperNet(createDenseBackbone(backbone), head);
  const store = new ParameterStore(model.specs);
  store.initialize(0);
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const size = { width: sizePx, height: sizePx };
  const view: SegmenterInput = { ...size, data: noise(sizePx * sizePx * 3) };
  const times = await timed(repeats, async () => {
    for (let i = 0; i < batch; i++) await predictor.segment([view], size);
  });
  await predictor.release();
  const macs = batch * upernetMacs(backbone, head, [sizePx, sizePx]);
  return {
    ...times,
    gflops: (2 * macs) / times.medianMs / 1e6,
    parameters: numParameters(store.specs),
  };
}

/** Times training steps: dropout as in the recipes, forward, backward, running statistics, AdamW. */
export async function benchmarkSegmenterTraining(
  engine: Engine,
  { backbone, sizePx, batch, repeats, head = UPERNET }: SegmenterBenchmarkOptions,
): Promise<SegmenterBenchmarkResult> {
  const model = createUperNet(createDenseBackbone(backbone), head);
  const buffers = createFlatBuffers(parameterSize(model.specs), { moments: 2 });
  new ParameterStore(model.specs, buffers.parameters).initialize(0);
  const task = createSegmenterTrainer({
    engine,
    model,
    buffers,
    dropPathRate: 0,
    dropoutRate: 0.1,
    batchNormMomentum: 0.1,
    accumulation: 1,
    seed: 0,
    communicator: SINGLE_PROCESS,
    samples: [],
  });
  const random = new Random(0);
  const value = {
    images: noise(batch * sizePx * sizePx * 3),
    shape: [batch, sizePx, sizePx, 3] as const,
    labels: Array.from({ length: batch }, () => ({
      width: sizePx,
      height: sizePx,
      data: Uint8Array.from({ length: sizePx * sizePx }, () => random.integer(head.numClasses)),
    })),
    indices: new Int32Array(batch),
  };
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  let step = 0;
  const times = await timed(repeats, async () => {
    await task.backward({ value, release: () => undefined }, { step, micro: 0 });
    adamW(buffers, runs, { lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8, step: ++step });
  });
  await task.release();
  const macs = 3 * batch * upernetMacs(backbone, head, [sizePx, sizePx], true);
  return {
    ...times,
    gflops: (2 * macs) / times.medianMs / 1e6,
    parameters: numParameters(model.specs),
  };
}

function noise(length: number): Float32Array {
  const random = new Random(1);
  return Float32Array.from({ length }, () => random.normal());
}

async function timed(
  repeats: number,
  once: () => Promise<void>,
): Promise<Pick<SegmenterBenchmarkResult, 'minMs' | 'medianMs' | 'timesMs' | 'firstRunMs'>> {
  const run = async (): Promise<number> => {
    const start = performance.now();
    await once();
    return performance.now() - start;
  };
  const firstRunMs = await run();
  await run(); // the arena has its final size after the second run
  const timesMs: number[] = [];
  for (let i = 0; i < repeats; i++) timesMs.push(await run());
  const sorted = [...timesMs].sort((a, b) => a - b);
  return { minMs: sorted[0], medianMs: sorted[Math.floor(sorted.length / 2)], timesMs, firstRunMs };
}
