import type { Engine } from '../../engine/runtime/engine.js';
import { variant } from '../../backbone/variants.js';
import { benchmarkSegmenter, benchmarkSegmenterTraining } from '../../train/segment/benchmark.js';
import type { BenchmarkReport, BenchmarkRequest } from './request.js';

/** Times a UPerNet of 512 channels and 150 classes. */
export async function benchmarkSegment(
  engine: Engine,
  { model, batch, size, mode, frozen, repeats }: BenchmarkRequest,
): Promise<BenchmarkReport> {
  const run = mode === 'infer' ? benchmarkSegmenter : benchmarkSegmenterTraining;
  const result = await run(engine, {
    backbone: variant(model),
    sizePx: size,
    batch,
    repeats,
    frozen,
  });
  return {
    ...result,
    imagesPerSecond: (1000 * batch) / result.medianMs,
    notes: [
      mode === 'infer'
        ? 'from the normalised image to the class of every pixel'
        : 'dropout, forward, backward, running statistics, AdamW',
    ],
  };
}
