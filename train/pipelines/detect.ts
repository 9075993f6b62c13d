import { AnnotationsError } from '../../core/errors.js';
import type { MaskGrid } from '../../core/mask-targets.js';
import type { IgnoredRegions } from '../../core/ignored-regions.js';
import type { RpnTargets } from '../../core/matcher-rpn.js';
import { Random } from '../../core/random.js';
import { moduleUrl } from '../../io/files/module-url.js';
import type { Pipeline, Receiver, SampleContext } from '../../datasets/loader/pipeline.js';
import { imageOf, type DetectionSample, type Objects } from '../../datasets/sample.js';
import type { RgbImage } from '../../core/image.js';
import {
  drawLargeScaleJitter,
  drawMultiScale,
} from '../../datasets/transforms/detection-geometry.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { gridOf, sizeAfter, type GeometricStep } from '../../datasets/transforms/geometry.js';
import { keepRatioSize } from '../../datasets/transforms/keep-ratio.js';
import {
  normalizationTable,
  normalizePadded,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import { cropObjectsByMask, transformObjects } from '../../datasets/transforms/objects.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import { Paster } from './paster.js';
import { RpnTargetMaker, type RpnTargetRule } from '../detect/rpn-targets.js';
import type { DetectionTransform } from '../config/detect.js';

/** Options of {@link createPipeline}. */
export interface DetectionPipelineOptions {
  readonly transform: DetectionTransform;
  readonly pixels: PixelStats;
  /** Batches are zero-padded at the right and bottom to a multiple of this, 32. */
  readonly divisor: number;
  /** Options of the RPN's targets, computed in the worker; without them batches have none. */
  readonly rpn?: RpnTargetRule | undefined;
  /** As in `DetectionConfig`. */
  readonly ignoreRegions?: number | undefined;
}

/** One image of a batch as model input. */
export interface DetectionInput {
  /** Index in the data set of the actual image, because rejected images are replaced. */
  readonly index: number;
  readonly imageId: number;
  readonly file: string;
  /** Size in the batch without padding, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Boxes in pixels of the batch; masks in pixels of the file, mapped by `grid`. */
  readonly objects: Objects;
  readonly grid: MaskGrid;
  /** Regions in which boxes are not sampled; absent if training takes them as background. */
  readonly ignored?: IgnoredRegions | undefined;
}

/** A batch of a detection set. */
export interface DetectionBatch {
  /** `[N, H, W, 3]`, normalized, zero in the padding. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly inputs: readonly DetectionInput[];
  /** One per image, if the pipeline has options for them. */
  readonly rpnTargets?: readonly RpnTargets[];
}

interface Item {
  readonly image: RgbImage;
  readonly input: DetectionInput;
  /** Seed of the sampling of its anchors. */
  readonly seed: number;
}

/** Result of a worker. */
interface Handed {
  /** `[h, w, 3]` each. */
  readonly images: readonly RgbImage[];
  readonly inputs: readonly DetectionInput[];
  readonly rpnTargets?: readonly RpnTargets[];
}

/** URL of this module, for a loader. */
export const DETECTION_PIPELINE = moduleUrl('./detect.js', import.meta.url);

/** Pipeline of object detection in the workers: decoding and augmentation; samples are {@link DetectionSample}. */
export function createPipeline({
  transform,
  divisor,
  rpn,
  ignoreRegions,
}: DetectionPipelineOptions): Pipeline<DetectionSample, Item, Handed> {
  const maker = rpn && new RpnTargetMaker(rpn, divisor);
  const paster = new Paster(transform, decodeSample);
  return {
    async prepare(unmixed, context) {
      const mixed = await paster.pasted(unmixed, context);
      const first = mixed?.sample ?? unmixed;
      const { index, sample, steps, objects } = await drawView(transform, first, context);
      const decoded = mixed && sample === first ? mixed.image : await decodeSample(sample);
      const { width, height } = sizeAfter(sample, steps);
      const out = context.buffers.takeBytes(width * height * 3);
      const image = transformImage(decoded, steps, out);
      const { imageId, file } = sample;
      const grid = gridOf(sample, steps);
      const ignored =
        ignoreRegions === undefined
          ? undefined
          : {
              boxes: transformObjects(sample.ignored, sample, steps).boxes,
              largestCover: ignoreRegions,
            };
      const input = { index, imageId, file, width, height, objects, grid, ignored };
      // Drawn here, so that an image's anchors do not depend on the rest of its batch or on the process.
      return { image, input, seed: context.random.uint32() };
    },
    collate(items) {
      const images = items.map(({ image }) => image);
      const buffers = images.map(({ data }) => data.buffer as ArrayBuffer);
      const inputs = items.map(({ input }) => input);
      const value = { images, inputs };
      if (!maker) return { value, buffers };
      const objects = inputs.map((input) => ({ ...input, boxes: input.objects.boxes }));
      const targets = maker.targetsOf(
        objects,
        paddedSize(images, divisor),
        (n) => new Random(items[n].seed),
      );
      return { value: { ...value, rpnTargets: targets }, buffers };
    },
  };
}

/** Main-thread part: normalization and padding. */
export function createReceiver({
  pixels,
  divisor,
}: DetectionPipelineOptions): Receiver<Handed, DetectionBatch> {
  const table = normalizationTable(pixels);
  return ({ images, ...rest }, buffers) => {
    const { width, height } = paddedSize(images, divisor);
    const imageValues = width * height * 3;
    const numValues = images.length * imageValues;
    const buffer = buffers.take(numValues * Float32Array.BYTES_PER_ELEMENT);
    const batch = new Float32Array(buffer, 0, numValues);
    images.forEach((image, i) =>
      normalizePadded(image, table, batch, { width, height, offset: i * imageValues }),
    );
    const shape = [images.length, height, width, 3] as const;
    return { value: { images: batch, shape, ...rest }, buffers: [buffer] };
  };
}

interface DrawnView {
  readonly index: number;
  readonly sample: DetectionSample;
  readonly steps: readonly GeometricStep[];
  readonly objects: Objects;
}

/** Largest number of consecutive rejected images; only reached if no object has mask pixels. */
const MAX_REJECTED = 100;

/** Draws the geometric steps; if no objects remain, another image is used. */
async function drawView(
  transform: DetectionTransform,
  first: DetectionSample,
  { index: firstIndex, random, numSamples, fetch }: SampleContext<DetectionSample>,
): Promise<DrawnView> {
  let [index, sample] = [firstIndex, first];
  for (let rejected = 0; rejected < MAX_REJECTED; rejected++) {
    const drawn = drawSteps(transform, sample, random);
    if (drawn) return { index, sample, ...drawn };
    index = random.integer(numSamples);
    sample = await fetch(index);
  }
  throw new AnnotationsError(
    `${first.file}: expected an image with a visible object, got ${MAX_REJECTED} without`,
    { file: first.file, id: first.imageId },
  );
}

function drawSteps(
  transform: DetectionTransform,
  sample: DetectionSample,
  random: Random,
): Pick<DrawnView, 'steps' | 'objects'> | undefined {
  const flips = (probability: number): GeometricStep[] =>
    random.chance(probability) ? [{ kind: 'flip' }] : [];
  switch (transform.kind) {
    case 'evaluation': {
      const { width, height } = keepRatioSize(sample, transform.limits);
      const size = { width: Math.max(width, 1), height: Math.max(height, 1) };
      const steps = [{ kind: 'resize', size }] as const;
      return { steps, objects: transformObjects(sample.objects, sample, steps) };
    }
    case 'multiScale': {
      const flip = flips(transform.flipProbability);
      const steps = [...flip, ...drawMultiScale(sample, transform.scales, random)];
      return { steps, objects: transformObjects(sample.objects, sample, steps) };
    }
    case 'largeScaleJitter': {
      const jitter = drawLargeScaleJitter(sample, transform.jitter, random);
      const cropped = cropObjectsByMask(sample.objects, sample, jitter);
      if (cropped === undefined) return undefined;
      const flip = flips(transform.flipProbability);
      const objects = transformObjects(cropped, sizeAfter(sample, jitter), flip);
      return { steps: [...jitter, ...flip], objects };
    }
    default:
      return transform satisfies never;
  }
}

/**
 * Loads the image of a sample upright, or as stored where its annotations have the size of the stored pixels.
 *
 * @throws DataError if it cannot be decoded, or its size is not the annotated one
 */
export async function decodeSample(sample: DetectionSample): Promise<RgbImage> {
  const { file, width, height, imageId } = sample;
  const decoded = await imageOf(sample, { upright: { width, height } });
  if (decoded.width === width && decoded.height === height) return decoded;
  throw new AnnotationsError(
    `${file}: expected ${width}x${height} as annotated, got an image of ${decoded.width}x${decoded.height}`,
    { file, id: imageId },
  );
}
