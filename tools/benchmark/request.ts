import type { EngineOptions } from '../../engine/runtime/engine.js';

/** What `benchmark` was asked for, whatever the task. */
export interface BenchmarkRequest {
  /** Published size of the backbone. */
  readonly model: string;
  readonly batch: number;
  /** Side of the images, pixels. */
  readonly size: number;
  readonly mode: 'infer' | 'train';
  /** Weights in the graph instead of as inputs (inference). */
  readonly frozen: boolean;
  readonly repeats: number;
  readonly engine: EngineOptions;
}

/** What a benchmark of any task gives. */
export interface BenchmarkReport {
  readonly minMs: number;
  readonly medianMs: number;
  readonly firstRunMs: number;
  readonly gflops: number;
  readonly imagesPerSecond: number;
  /** What else there is to tell, for people: what was worked on, and where the time went. */
  readonly notes: readonly string[];
}
