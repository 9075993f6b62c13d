import { moduleUrl } from '../io/files/module-url.js';
import type { Pipeline, Receiver } from '../datasets/loader/pipeline.js';
import type { DetectionSample } from '../datasets/sample.js';
import {
  createPipeline as createDetectionPipeline,
  createReceiver as createDetectionReceiver,
  type DetectionBatch,
  type DetectionPipelineOptions,
} from '../train/pipelines/detect.js';
import { maskThroughGrid } from './mask-through-grid.js';

/** A detection batch with a bitmap of every object, as the libraries compared in `loading.ts` produce. */
interface DenseBatch extends DetectionBatch {
  /** Bitmap bytes read on arrival, one per page. */
  readonly checksum: number;
}

type Receive = ReturnType<typeof createDetectionReceiver>;
type Handed = Parameters<Receive>[0] & {
  /** `[M, height, width]` of each image, 0 or 1. */
  readonly bitmaps: readonly Uint8Array[];
};

/** URL of this module, for a loader. */
export const DENSE_PIPELINE = moduleUrl('./loading-dense.js', import.meta.url);

/** The detection pipeline, which transfers run lengths, plus dense bitmaps. */
export function createPipeline(
  options: DetectionPipelineOptions,
): Pipeline<DetectionSample, unknown, Handed> {
  const detection = createDetectionPipeline(options);
  return {
    prepare: (sample, context) => detection.prepare(sample, context),
    collate(items, context) {
      const { value, buffers } = detection.collate(
        items as Parameters<typeof detection.collate>[0],
        context,
      );
      const bitmaps = value.inputs.map(({ objects, grid, width, height }) => {
        const areaPx = width * height;
        const bits = context.buffers.takeBytes(objects.segmentations.length * areaPx);
        objects.segmentations.forEach((mask, m) => {
          if (mask.kind === 'rle')
            maskThroughGrid(mask, grid, bits.subarray(m * areaPx, (m + 1) * areaPx));
        });
        return bits;
      });
      const moved = bitmaps.map(({ buffer }) => buffer as ArrayBuffer);
      return { value: { ...value, bitmaps }, buffers: [...buffers, ...moved] };
    },
  };
}

/** Reads the bitmaps once; then their buffers are returned to the workers. */
export function createReceiver(options: DetectionPipelineOptions): Receiver<Handed, DenseBatch> {
  const receive = createDetectionReceiver(options);
  return (handed, buffers) => {
    const { value, buffers: made } = receive(handed, buffers);
    let checksum = 0;
    for (const bits of handed.bitmaps)
      for (let i = 0; i < bits.length; i += 4096) checksum += bits[i];
    return { value: { ...value, checksum }, buffers: made };
  };
}
