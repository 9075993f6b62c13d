import type { Engine } from '../../engine/runtime/engine.js';
import { benchmarkClassifier } from '../../models/benchmark.js';
import { variant } from '../../backbone/variants.js';
import type { BenchmarkReport, BenchmarkRequest } from './request.js';

/** Times a classifier of 1000 classes. */
export async function benchmarkClassify(
  engine: Engine,
  { model, batch, size, mode, frozen, repeats }: BenchmarkRequest,
): Promise<BenchmarkReport> {
  const result = await benchmarkClassifier(engine, {
    config: variant(model),
    classes: 1000,
    batch,
    sizePx: size,
    mode,
    frozen,
    repeats,
  });
  return { ...result, notes: [] };
}
