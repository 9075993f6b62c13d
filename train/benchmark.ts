import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { median } from '../core/statistics.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { createFlatBuffers, type FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import type { SpecTree } from '../engine/parameters/spec.js';
import { numParameters, ParameterStore, parameterSize } from '../engine/parameters/store.js';

/** A model with random weights and the work that is timed. */
export interface BenchmarkRequest {
  readonly backbone: ConvNeXtV2Config;
  readonly batch: number;
  /** Side of the images, pixels; the short one for detection. */
  readonly sizePx: number;
  /** `train`: forward, backward and an AdamW update. */
  readonly mode: 'infer' | 'train';
  /** Store the weights in the graph (inference). */
  readonly frozen: boolean;
  readonly repeats: number;
}

/** Times of some runs of the same work. */
export interface Times {
  readonly minMs: number;
  readonly medianMs: number;
  readonly timesMs: readonly number[];
  /** The first run: tracing, session and the first touch of all memory. */
  readonly firstRunMs: number;
  /** The arena has its final size after the second run. */
  readonly secondRunMs: number;
}

/** Times and rates of a model of any task. */
export interface BenchmarkReport extends Times {
  readonly imagesPerSecond: number;
  /** Multiply-adds count twice, convolutions as if computed directly; a training step is three forward passes. From the median. */
  readonly gflops: number;
  readonly parameters: number;
  /** Lines for people: what was worked on, and where the time went. */
  readonly notes: readonly string[];
}

/** Images and size of a task's benchmark where the user gives none. */
export interface BenchmarkDefaults {
  readonly batch: number;
  readonly sizePx: number;
}

/** Times two runs to warm up and `repeats` more. */
export async function timed(repeats: number, run: () => Promise<unknown>): Promise<Times> {
  const all: number[] = [];
  for (let i = 0; i < repeats + 2; i++) {
    const start = performance.now();
    await run();
    all.push(performance.now() - start);
  }
  const [firstRunMs, secondRunMs, ...timesMs] = all;
  const minMs = Math.min(...timesMs);
  return { minMs, medianMs: median(timesMs), timesMs, firstRunMs, secondRunMs };
}

/** Times, rates and size of what was timed. @param macs multiply-adds of a run */
export function benchmarkReport(
  times: Times,
  specs: SpecTree,
  { batch, macs }: { readonly batch: number; readonly macs: number },
): Omit<BenchmarkReport, 'notes'> {
  const imagesPerSecond = (1000 * batch) / times.medianMs;
  const gflops = (2 * macs) / times.medianMs / 1e6;
  return { ...times, imagesPerSecond, gflops, parameters: numParameters(specs) };
}

/** Parameters of a model, not initialized, with the AdamW updates of a training benchmark, which need moments. */
export function trainedParameters(
  specs: SpecTree,
  hasMoments = true,
): {
  readonly buffers: FlatBuffers;
  readonly store: ParameterStore;
  update(lr: number): void;
} {
  const buffers = createFlatBuffers(parameterSize(specs), { moments: hasMoments ? 2 : 0 });
  const store = new ParameterStore(specs, buffers.parameters);
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  let step = 0;
  const update = (lr: number): void =>
    adamW(buffers, runs, { lr, betas: [0.9, 0.999], eps: 1e-8, step: ++step });
  return { buffers, store, update };
}
