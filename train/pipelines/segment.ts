import { ConfigError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import { moduleUrl } from '../../datasets/loader/module-url.js';
import type { Pipeline, Receiver } from '../../datasets/loader/pipeline.js';
import { labelsOf, type LabelMapping } from '../../datasets/png-label-map.js';
import type { LabelMap, RgbImage } from '../../core/image.js';
import { imageOf, type SegmentationSample } from '../../datasets/sample.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { sizeAfter, type GeometricStep } from '../../datasets/transforms/geometry.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
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
import type { Size } from '../../datasets/transforms/rect.js';
import {
  drawSegmentationGeometry,
  type SegmentationGeometryOptions,
} from '../../datasets/transforms/segmentation-geometry.js';

/** Preprocessing and augmentation of images and labels. */
export type SegmentationTransform =
  /** Keep-ratio resize of the image; labels are not resized. Resized images of one batch must have equal sizes. */
  | { readonly kind: 'evaluation'; readonly limits: ScaleLimits }
  /** Random scale, crop, flip and colors, padded to the crop's size. */
  | {
      readonly kind: 'training';
      readonly geometry: SegmentationGeometryOptions;
      readonly photometric?: PhotometricOptions | undefined;
    };

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
  /** One per image, 255 is ignored: in training `[H, W]` each and contiguous, in evaluation of the file's size. */
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
      const decoded = await imageOf(sample);
      const whole = await labelsOf(sample, mapping, decoded);
      const { steps, labels } = drawSteps(transform, whole, random);
      const { width, height } = sizeAfter(decoded, steps);
      const out = buffers.takeBytes(width * height * 3);
      const image = transformImage(decoded, steps, out);
      if (transform.kind === 'training' && transform.photometric)
        photometricDistortion(image, transform.photometric, random);
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
    const isTraining = transform.kind === 'training';
    const side = isTraining ? transform.geometry.cropSize : 0;
    const canvas = isTraining ? { width: side, height: side } : commonSize(images);
    const { width, height } = canvas;
    const areaPx = width * height;
    const buffer = buffers.take(images.length * areaPx * 3 * Float32Array.BYTES_PER_ELEMENT);
    const batch = new Float32Array(buffer, 0, images.length * areaPx * 3);
    images.forEach((image, i) =>
      normalizePadded(image, table, batch, { width, height, offset: i * areaPx * 3 }),
    );
    const shape = [images.length, height, width, 3] as const;
    if (!isTraining) return { value: { images: batch, shape, labels, indices }, buffers: [buffer] };
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

function drawSteps(
  transform: SegmentationTransform,
  labels: LabelMap,
  random: Random,
): { readonly steps: readonly GeometricStep[]; readonly labels: LabelMap } {
  if (transform.kind === 'training')
    return drawSegmentationGeometry(labels, transform.geometry, random);
  return { steps: [{ kind: 'resize', size: keepRatioSize(labels, transform.limits) }], labels };
}

function commonSize(images: readonly Size[]): Size {
  const [first] = images;
  const other = images.find((i) => i.width !== first.width || i.height !== first.height);
  if (other)
    throw new ConfigError(
      `segmentation: expected images of one size in a batch, got ${first.width}x${first.height} and ` +
        `${other.width}x${other.height}; evaluate with batch size 1`,
    );
  return first;
}
