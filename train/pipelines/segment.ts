import { moduleUrl } from '../../io/files/module-url.js';
import type { Pipeline, Receiver } from '../../datasets/loader/pipeline.js';
import type { LabelMapping } from '../../datasets/png-label-map.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import type { LabelMap, RgbImage } from '../../core/image.js';
import type { SegmentationSample } from '../../datasets/sample.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { sizeAfter } from '../../datasets/transforms/geometry.js';
import {
  normalizationTable,
  normalizePadded,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import { padLabels } from '../../datasets/transforms/pad.js';
import {
  photometricDistortion,
  type PhotometricOptions,
} from '../../datasets/transforms/photometric.js';
import {
  drawSegmentationGeometry,
  type SegmentationGeometryOptions,
} from '../../datasets/transforms/segmentation-geometry.js';

/** Augmentation of images and labels: random scale, crop, flip and colors, padded to the crop's size. */
export interface SegmentationTransform {
  readonly geometry: SegmentationGeometryOptions;
  readonly photometric?: PhotometricOptions | undefined;
}

/** Options of {@link createPipeline}. */
export interface SegmentationPipelineOptions {
  readonly transform: SegmentationTransform;
  readonly pixels: PixelStats;
  readonly mapping: LabelMapping;
}

/** A batch of a semantic segmentation set. */
export interface SegmentationBatch {
  /** `[N, H, W, 3]`, normalized, zero in the padding. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** One per image, `[H, W]`, contiguous; 255 is ignored. */
  readonly labels: readonly LabelMap[];
  /** `[N]`, indices in the data set. */
  readonly indices: Int32Array;
}

interface Item {
  readonly image: RgbImage;
  readonly labels: LabelMap;
}

/** Result of a worker, without padding. */
interface Handed {
  readonly images: readonly RgbImage[];
  readonly labels: readonly LabelMap[];
  readonly indices: Int32Array;
}

/** URL of this module, for a loader. */
export const SEGMENTATION_PIPELINE = moduleUrl('./segment.js', import.meta.url);

/** Pipeline of semantic segmentation in the workers: decoding and augmentation. */
export function createPipeline({
  transform,
  mapping,
}: SegmentationPipelineOptions): Pipeline<SegmentationSample, Item, Handed> {
  return {
    async prepare(sample, { random, buffers }) {
      const { image: decoded, labels: whole } = await loadPair(sample, mapping);
      const { steps, labels } = drawSegmentationGeometry(whole, transform.geometry, random);
      const { width, height } = sizeAfter(decoded, steps);
      const out = buffers.takeBytes(width * height * 3);
      const image = transformImage(decoded, steps, out);
      if (transform.photometric) photometricDistortion(image, transform.photometric, random);
      return { image, labels };
    },
    collate(items, { indices }) {
      const images = items.map(({ image }) => image);
      const labels = items.map((item) => item.labels);
      return {
        value: { images, labels, indices: Int32Array.from(indices) },
        buffers: images.map(({ data }) => data.buffer as ArrayBuffer),
      };
    },
  };
}

/** Main-thread part: normalization and padding. */
export function createReceiver({
  transform,
  pixels,
}: SegmentationPipelineOptions): Receiver<Handed, SegmentationBatch> {
  const table = normalizationTable(pixels);
  return ({ images, labels, indices }, buffers) => {
    const side = transform.geometry.cropSize;
    const [width, height] = [side, side];
    const areaPx = width * height;
    const buffer = buffers.take(images.length * areaPx * 3 * Float32Array.BYTES_PER_ELEMENT);
    const batch = new Float32Array(buffer, 0, images.length * areaPx * 3);
    images.forEach((image, i) =>
      normalizePadded(image, table, batch, { width, height, offset: i * areaPx * 3 }),
    );
    const shape = [images.length, height, width, 3] as const;
    const padded = buffers.takeBytes(images.length * areaPx);
    const maps = labels.map((map, i) => {
      padLabels(map, padded, { width, height, offset: i * areaPx });
      return { width, height, data: padded.subarray(i * areaPx, (i + 1) * areaPx) };
    });
    return {
      value: { images: batch, shape, labels: maps, indices },
      buffers: [buffer, padded.buffer as ArrayBuffer],
    };
  };
}
