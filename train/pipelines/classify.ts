import { Random } from '../../core/random.js';
import type { BatchContext, Collated, Pipeline, Receiver } from '../../datasets/loader/pipeline.js';
import { moduleUrl } from '../../io/files/module-url.js';
import { imageOf, type ClassificationSample } from '../../datasets/sample.js';
import type { RgbImage } from '../../core/image.js';
import { isUpright } from '../../core/upright.js';
import { resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import { drawMix, mixImages, type Mix } from '../../datasets/transforms/mix.js';
import type { Rgb } from '../../datasets/transforms/pil-affine.js';
import { randAugment } from '../../datasets/transforms/rand-augment.js';
import { drawErasing, eraseWithNoise } from '../../datasets/transforms/random-erasing.js';
import { randomResizedCrop } from '../../datasets/transforms/random-resized-crop.js';
import type { Rect } from '../../datasets/transforms/rect.js';
import { resizePil } from '../../datasets/transforms/resize-pil.js';
import { normalizedInputs } from '../../inference/classify/preprocess.js';
import type { ClassificationTransform } from '../config/classify.js';

/** Options of {@link createPipeline}. */
export interface ClassificationPipelineOptions {
  readonly transform: ClassificationTransform;
  readonly pixels: PixelStats;
}

/** A batch of a classification set. */
export interface ClassificationBatch {
  /** `[N, S, S, 3]`, normalized. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** `[N]`; −1 if the label is unknown. */
  readonly labels: Int32Array;
  /** `[N]`, indices in the data set. */
  readonly indices: Int32Array;
  /** Weight of an image's own label; 1 − λ is that of the image at the other end of the batch. 1 without mixing. */
  readonly lambda: number;
}

interface Item {
  readonly image: RgbImage;
  readonly classIndex: number;
  readonly erasing: Erasing | undefined;
}

/** Rectangle to erase, and random stream of the noise. */
interface Erasing {
  readonly rect: Rect;
  readonly randomState: Random['state'];
}

/** Result of a worker: 8-bit images and the operations after normalization. */
interface Handed {
  /** `[N, S, S, 3]`. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly indices: Int32Array;
  /** One per image. */
  readonly erasings: readonly (Erasing | undefined)[];
  readonly mix: Mix;
}

/** URL of this module, for a loader. */
export const CLASSIFICATION_PIPELINE = moduleUrl('./classify.js', import.meta.url);

/** Pipeline of image classification in the workers: decoding and transforms. */
export function createPipeline({
  transform,
  pixels,
}: ClassificationPipelineOptions): Pipeline<ClassificationSample, Item, Handed> {
  const [red, green, blue] = pixels.mean.map((mean) => Math.min(Math.round(mean * 255), 255));
  const fill = [red, green, blue] as const;
  return {
    async prepare(sample, { random, buffers }) {
      const decoded = await imageOf(sample, { upright: isUpright('classify') });
      const out = buffers.takeBytes(inputSizeOf(transform) ** 2 * 3);
      const image = apply(transform, decoded, random, { fill, out });
      const options = transform.kind === 'training' ? transform.erasing : undefined;
      const rect = options && drawErasing(image, options, random);
      const erasing = rect && { rect, randomState: random.state };
      return { classIndex: sample.classIndex, image, erasing };
    },
    collate: (items, context) => collate(items, context, transform),
  };
}

/** Main-thread part: normalization, erasing and mixing. */
export function createReceiver({
  transform,
  pixels,
}: ClassificationPipelineOptions): Receiver<Handed, ClassificationBatch> {
  const side = inputSizeOf(transform);
  const size = { width: side, height: side };
  const imageValues = side * side * 3;
  return ({ images: bytes, labels, indices, erasings, mix }, buffers) => {
    const numImages = labels.length;
    const buffer = buffers.take(numImages * imageValues * Float32Array.BYTES_PER_ELEMENT);
    const images = new Float32Array(buffer, 0, numImages * imageValues);
    normalizedInputs(bytes, side, pixels, images);
    erasings.forEach((erasing, i) => {
      if (!erasing) return;
      const random = new Random(0);
      random.state = erasing.randomState;
      eraseWithNoise(images, { ...size, offset: i * imageValues }, erasing.rect, random);
    });
    const shape = [numImages, side, side, 3] as const;
    if (mix.kind !== 'none') mixImages(images, shape, mix);
    return { value: { images, shape, labels, indices, lambda: mix.lambda }, buffers: [buffer] };
  };
}

function inputSizeOf(transform: ClassificationTransform): number {
  return transform.kind === 'evaluation' ? transform.resize.inputSize : transform.inputSize;
}

function apply(
  transform: ClassificationTransform,
  image: RgbImage,
  random: Random,
  { fill, out }: { readonly fill: Rgb; readonly out: Uint8Array },
): RgbImage {
  switch (transform.kind) {
    case 'evaluation':
      return resizeForEvaluation(image, transform.resize, out);
    case 'training': {
      const { inputSize, filter, flipProbability, randAugment: augment } = transform;
      const size = { width: inputSize, height: inputSize };
      const crop = randomResizedCrop(image, transform.crop, random);
      const mirrored = random.chance(flipProbability);
      const resized = resizePil(image, { filter, size, crop, mirrored, out });
      return augment ? randAugment(resized, augment, { random, fill }) : resized;
    }
    default:
      return transform satisfies never;
  }
}

function collate(
  items: readonly Item[],
  { buffers, indices, random }: BatchContext,
  transform: ClassificationTransform,
): Collated<Handed> {
  const side = inputSizeOf(transform);
  const imageBytes = side * side * 3;
  const images = buffers.takeBytes(items.length * imageBytes);
  items.forEach(({ image }, i) => {
    images.set(image.data, i * imageBytes);
    buffers.give(image.data.buffer as ArrayBuffer);
  });
  const mixing = transform.kind === 'training' ? transform.mix : undefined;
  const size = { width: side, height: side };
  const mix = mixing ? drawMix(size, mixing, random) : ({ kind: 'none', lambda: 1 } as const);
  return {
    value: {
      images,
      labels: Int32Array.from(items, ({ classIndex }) => classIndex),
      indices: Int32Array.from(indices),
      erasings: items.map(({ erasing }) => erasing),
      mix,
    },
    buffers: [images.buffer as ArrayBuffer],
  };
}
