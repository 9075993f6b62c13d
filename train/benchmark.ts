import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { median } from '../core/statistics.js';

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

/** Rates of what was timed. @param macs multiply-adds of a run */
export function rates(
  { medianMs }: Times,
  { batch, macs }: { readonly batch: number; readonly macs: number },
): Pick<BenchmarkReport, 'imagesPerSecond' | 'gflops'> {
  return { imagesPerSecond: (1000 * batch) / medianMs, gflops: (2 * macs) / medianMs / 1e6 };
}
