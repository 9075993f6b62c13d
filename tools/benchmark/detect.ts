import type { Engine } from '../../engine/runtime/engine.js';
import { variant } from '../../backbone/variants.js';
import { benchmarkDetector, benchmarkDetectorTraining } from '../../train/detect/benchmark.js';
import type { BenchmarkReport, BenchmarkRequest } from './request.js';

/** Times a Mask R-CNN of 90 classes on images of `size` × 4/3 `size` pixels. */
export async function benchmarkDetect(
  engine: Engine,
  { model, batch, size, mode, frozen, repeats }: BenchmarkRequest,
): Promise<BenchmarkReport> {
  const run = mode === 'infer' ? benchmarkDetector : benchmarkDetectorTraining;
  const result = await run(engine, {
    backbone: variant(model),
    sizePx: size,
    batch,
    repeats,
    frozen,
  });
  const { paddedSize, counts, partsMs, overheadShare, secondRunMs, firstRunMs, medianMs } = result;
  const listed = (values: Readonly<Record<string, number>>, digits: number): string =>
    Object.entries(values)
      .map(([name, value]) => `${name.replace(/Ms$/, '')} ${value.toFixed(digits)}`)
      .join(', ');
  return {
    ...result,
    imagesPerSecond: (1000 * batch) / medianMs,
    notes: [
      `padded to ${paddedSize[0]}x${paddedSize[1]}; ${listed(counts, 0)}`,
      `first run ${(firstRunMs - secondRunMs).toFixed(0)} ms longer than the second`,
      ...(partsMs ? [`ms: ${listed(partsMs, 1)}`] : []),
      ...(overheadShare === undefined
        ? []
        : [`NMS, pasting, pre- and post-processing: ${(100 * overheadShare).toFixed(1)} %`]),
    ],
  };
}
