import { ConfigError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import { decodeImage } from '../../datasets/decode.js';
import { moduleUrl } from '../../datasets/loader/module-url.js';
import type { BatchContext, Collated, Pipeline } from '../../datasets/loader/pipeline.js';
import { readLabelMap, type LabelMapping } from '../../datasets/png-label-map.js';
import type { LabelMap, RgbImage, SegmentationSample } from '../../datasets/sample.js';
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
import { Scratch } from '../../datasets/transforms/scratch.js';
import {
  drawSegmentationGeometry,
  type SegmentationGeometryOptions,
} from '../../datasets/transforms/segmentation-geometry.js';

/** From an image and its labels to the network's input. */
export type SegmentationTransform =
  /** Keep-ratio resize of the image; labels stay as they are. Images of one batch must come out equally large. */
  | { readonly kind: 'evaluation'; readonly limits: ScaleLimits }
  /** Random scale, crop, flip and colours, padded to the crop's size. */
  | {
      readonly kind: 'training';
      readonly geometry: SegmentationGeometryOptions;
      readonly photometric?: PhotometricOptions;
    };

/** Options of {@link createPipeline}. */
export interface SegmentationPipelineOptions {
  readonly transform: SegmentationTransform;
  readonly pixels: PixelStats;
  readonly mapping: LabelMapping;
}

/** A batch of a semantic segmentation set. */
export interface SegmentationBatch {
  /** `[N, H, W, 3]`, normalised, zero in the padding. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** One an image, 255 ignored: in training `[H, W]` each, in evaluation of the file's size. */
  readonly labels: readonly LabelMap[];
  /** `[N]`, in the data set. */
  readonly indices: Int32Array;
}

interface Item {
  readonly image: RgbImage;
  readonly labels: LabelMap;
}

/** The address of this module, for a loader. */
export const SEGMENTATION_PIPELINE = moduleUrl('./segmentation.js', import.meta.url);

/** Decoding, jittering and padding for semantic segmentation. */
export function createPipeline(
  options: SegmentationPipelineOptions,
): Pipeline<SegmentationSample, Item, SegmentationBatch> {
  const { transform, mapping } = options;
  const table = normalizationTable(options.pixels);
  const scratch = new Scratch();
  return {
    async prepare({ file, labelFile }, { random, buffers }) {
      const decoded = await decodeImage(file);
      const whole = await readLabelMap(labelFile, mapping, decoded);
      const { steps, labels } = drawSteps(transform, whole, random);
      const { width, height } = sizeAfter(decoded, steps);
      const out = buffers.takeBytes(width * height * 3);
      const image = transformImage(decoded, steps, { scratch, out });
      if (transform.kind === 'training' && transform.photometric)
        photometricDistortion(image, transform.photometric, random);
      return { image, labels };
    },
    collate: (items, context) => collate(items, context, transform, table),
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

function collate(
  items: readonly Item[],
  { buffers, indices }: BatchContext,
  transform: SegmentationTransform,
  table: Float32Array,
): Collated<SegmentationBatch> {
  const isTraining = transform.kind === 'training';
  const side = isTraining ? transform.geometry.cropSize : 0;
  const { width, height } = isTraining ? { width: side, height: side } : commonSize(items);
  const imageValues = width * height * 3;
  const numValues = items.length * imageValues;
  const buffer = buffers.take(numValues * Float32Array.BYTES_PER_ELEMENT);
  const images = new Float32Array(buffer, 0, numValues);
  const labels = items.map((item, i) => {
    normalizePadded(item.image, table, images, { width, height, offset: i * imageValues });
    buffers.give(item.image.data.buffer as ArrayBuffer);
    if (!isTraining) return item.labels;
    const data = new Uint8Array(width * height);
    padLabels(item.labels, data, { width, height, offset: 0 });
    return { width, height, data };
  });
  const shape = [items.length, height, width, 3] as const;
  const value = { images, shape, labels, indices: Int32Array.from(indices) };
  return { value, buffers: [buffer] };
}

function commonSize(items: readonly Item[]): Size {
  const [{ image }] = items;
  const other = items.find((i) => i.image.width !== image.width || i.image.height !== image.height);
  if (other)
    throw new ConfigError(
      `segmentation: expected images of one size in a batch, got ${image.width}x${image.height} and ` +
        `${other.image.width}x${other.image.height}; evaluate with batch size 1`,
    );
  return image;
}
