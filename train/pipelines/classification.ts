import { decodeImage } from '../../datasets/decode.js';
import type {
  BatchContext,
  Collated,
  Pipeline,
  SampleContext,
} from '../../datasets/loader/pipeline.js';
import { moduleUrl } from '../../datasets/loader/module-url.js';
import type { ClassificationSample, RgbImage } from '../../datasets/sample.js';
import {
  resizeForEvaluation,
  type EvaluationResize,
} from '../../datasets/transforms/evaluation.js';
import {
  normalizationTable,
  normalizeInto,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import type { PilFilter } from '../../datasets/transforms/pil-coefficients.js';
import {
  randomResizedCrop,
  type RandomResizedCropOptions,
} from '../../datasets/transforms/random-resized-crop.js';
import { resizePil } from '../../datasets/transforms/resize-pil.js';
import { Scratch } from '../../datasets/transforms/scratch.js';

/** From a file to the classifier's input. */
export type ClassificationTransform =
  | { readonly kind: 'evaluation'; readonly resize: EvaluationResize }
  | {
      readonly kind: 'training';
      /** Side of the square input in pixels. */
      readonly inputSize: number;
      readonly crop: RandomResizedCropOptions;
      readonly filter: PilFilter;
      readonly flipProbability: number;
    };

/** Options of {@link createPipeline}. */
export interface ClassificationPipelineOptions {
  readonly transform: ClassificationTransform;
  readonly pixels: PixelStats;
}

/** A batch of a classification set. */
export interface ClassificationBatch {
  /** `[N, S, S, 3]`, normalised. */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** `[N]`; −1 where the label is unknown. */
  readonly labels: Int32Array;
  /** `[N]`, in the data set. */
  readonly indices: Int32Array;
}

interface Item {
  readonly image: RgbImage;
  readonly classIndex: number;
}

/** The address of this module, for a loader. */
export const CLASSIFICATION_PIPELINE = moduleUrl('./classification.js', import.meta.url);

/** Decoding, transforming and normalising for image classification. */
export function createPipeline(
  options: ClassificationPipelineOptions,
): Pipeline<ClassificationSample, Item, ClassificationBatch> {
  const { transform, pixels } = options;
  const table = normalizationTable(pixels);
  const scratch = new Scratch();
  return {
    async prepare({ file, classIndex }, context) {
      const decoded = await decodeImage(file);
      const out = new Uint8Array(context.buffers.take(inputSizeOf(transform) ** 2 * 3));
      return { classIndex, image: apply(transform, decoded, context, out, scratch) };
    },
    collate: (items, context) => collate(items, context, inputSizeOf(transform), table),
  };
}

function inputSizeOf(transform: ClassificationTransform): number {
  return transform.kind === 'evaluation' ? transform.resize.inputSize : transform.inputSize;
}

function apply(
  transform: ClassificationTransform,
  image: RgbImage,
  { random }: SampleContext<ClassificationSample>,
  out: Uint8Array,
  scratch: Scratch,
): RgbImage {
  switch (transform.kind) {
    case 'evaluation':
      return resizeForEvaluation(image, transform.resize, { scratch, out });
    case 'training': {
      const { inputSize, filter, flipProbability } = transform;
      const size = { width: inputSize, height: inputSize };
      const crop = randomResizedCrop(image, transform.crop, random);
      const mirrored = random.chance(flipProbability);
      return resizePil(image, { filter, size, crop, mirrored, out }, scratch);
    }
    default:
      return transform satisfies never;
  }
}

function collate(
  items: readonly Item[],
  { buffers, indices }: BatchContext,
  side: number,
  table: Float32Array,
): Collated<ClassificationBatch> {
  const imageValues = side * side * 3;
  const buffer = buffers.take(items.length * imageValues * Float32Array.BYTES_PER_ELEMENT);
  const images = new Float32Array(buffer, 0, items.length * imageValues);
  items.forEach(({ image }, i) => {
    normalizeInto(image, table, images, { offset: i * imageValues });
    buffers.give(image.data.buffer as ArrayBuffer);
  });
  return {
    value: {
      images,
      shape: [items.length, side, side, 3],
      labels: Int32Array.from(items, ({ classIndex }) => classIndex),
      indices: Int32Array.from(indices),
    },
    buffers: [buffer],
  };
}
