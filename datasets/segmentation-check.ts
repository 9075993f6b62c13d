import { DataError, quote } from '../core/errors.js';
import { ADE20K_CLASSES } from './classes/ade20k.js';
import type { SegmentationSet } from './segmentation-folder.js';
import { inParallel } from './in-parallel.js';
import { imageNotes, inspectImage } from './inspect-image.js';
import type { Size } from '../core/boxes.js';
import { displayedSize } from '../io/image-header/orientation.js';
import type { PngIndices } from '../io/png/indices.js';
import { labelNumbers } from './label-numbers.js';
import { allowedLabels, labelTable, type LabelMapping } from './png-label-map.js';
import { IGNORED_LABEL } from '../core/image.js';
import { errorAsValue, problemKinds, type ProblemKind, type ProblemLog } from './problems.js';
import type { PartPurpose } from './part-use.js';
import type { SegmentationSample } from './sample.js';
import { keepRatioSize, type ScaleLimits } from './transforms/keep-ratio.js';

/** Kinds of problems of a segmentation set; see `COCO_PROBLEMS` for the severities. */
const LABEL_PROBLEMS = {
  ...problemKinds('error', {
    imageUnreadable: 'images that cannot be read',
    labelUnreadable: 'label files that cannot be read',
    labelSize: 'labels of another size than their image',
    labelRange:
      'label numbers that are none of the classes, which count from 0 (values: in data.yaml names others)',
    untrainable: 'training parts with nothing to learn',
    imageNarrow: 'images that are too narrow after resizing',
  }),
  ...problemKinds('warning', {
    labelEmpty: 'labels without a pixel of any class',
    classUntrained: 'classes without a pixel to train on',
    unscorable: 'parts without a pixel to score: all numbers will be absent',
  }),
  ...problemKinds('note', {
    ignoredPixels: 'labels with ignored pixels',
    classUnused: 'classes without a pixel',
  }),
};

/** Numbers of pixels and images by class. */
export interface LabelStatistics {
  readonly images: number;
  /** `[K]`. */
  readonly pixels: Float64Array;
  /** `[K]`, number of images in which a class occurs. */
  readonly imagesWith: Float64Array;
  readonly ignoredPixels: number;
  /** Counts by raw value in the files, ascending. */
  readonly fileNumbers: readonly (readonly [number: number, pixels: number])[];
  /** `[images, 2]` width and height; 0 if the image cannot be read. */
  readonly sizes: Int32Array;
}

/** Options of {@link checkSegmentationSet}. */
interface CheckSegmentationOptions {
  /** Whether to decode the images. */
  readonly decode: boolean;
  /** Purpose of the set; default: none, which reports what its files contain. */
  readonly purpose?: PartPurpose | undefined;
  /** Number of label files to read at most; default: all. */
  readonly maxLabels?: number | undefined;
  /** Limits of the sides of the resized images in pixels. */
  readonly limits?: ScaleLimits | undefined;
}

/** Smallest side of the model input in pixels. */
const MIN_INPUT_SIDE_PX = 32;

/** Reads every label file and the header of every image, and reports problems. */
export async function checkSegmentationSet(
  set: SegmentationSet,
  log: ProblemLog,
  options: CheckSegmentationOptions,
): Promise<LabelStatistics> {
  const table = labelTable(set.mapping);
  const pixels = new Float64Array(set.classes.length); // [K]
  const imagesWith = new Float64Array(set.classes.length); // [K]
  const fileNumbers = new Map<number, number>();
  const sizes = new Int32Array(2 * set.samples.length);
  let ignoredPixels = 0;

  // Evenly spaced, if not all are read.
  const step = Math.max(1, Math.ceil(set.samples.length / (options.maxLabels ?? Infinity)));
  const counted = await inParallel(set.samples, (sample, i) =>
    inspectPair(sample, set.mapping, { decode: options.decode, wantsLabel: i % step === 0 }),
  );
  counted.forEach(({ image, notes, label }, i) => {
    const { file, labelFile } = set.samples[i];
    const report = (k: ProblemKind, where: string, message: string): void =>
      log.add(k, { file: where, message });
    if (image instanceof DataError) report(LABEL_PROBLEMS.imageUnreadable, file, image.message);
    else {
      sizes.set([image.width, image.height], 2 * i);
      for (const k of notes) report(k, file, quote(file.split(/[/\\]/).at(-1)));
      const narrow = narrowSize(image, options);
      if (narrow)
        report(
          LABEL_PROBLEMS.imageNarrow,
          file,
          `expected sides of ${MIN_INPUT_SIDE_PX} px or more after resizing, got ${narrow.width}x${narrow.height} ` +
            `of ${image.width}x${image.height}; crop the image, or raise evaluation.limits`,
        );
    }
    if (label === undefined) return;
    if (label instanceof DataError) {
      report(LABEL_PROBLEMS.labelUnreadable, labelFile, label.message);
      return;
    }
    if (
      !(image instanceof DataError) &&
      !hasSize(image, label) &&
      !hasSize(displayedSize(image, image.orientation), label)
    )
      report(
        LABEL_PROBLEMS.labelSize,
        labelFile,
        `expected ${image.width}x${image.height} of its image, got ${label.width}x${label.height}`,
      );
    let numIgnored = 0;
    let numLabeled = 0;
    for (const [number, count] of label.counts) {
      fileNumbers.set(number, (fileNumbers.get(number) ?? 0) + count);
      const k = number < table.length ? table[number] : -1;
      if (k < 0)
        report(
          LABEL_PROBLEMS.labelRange,
          labelFile,
          `expected ${allowedLabels(set.mapping)}, got ${number} in ${count} pixels`,
        );
      else if (k === IGNORED_LABEL) numIgnored += count;
      else {
        pixels[k] += count;
        imagesWith[k]++;
        numLabeled += count;
      }
    }
    ignoredPixels += numIgnored;
    if (numLabeled === 0)
      report(LABEL_PROBLEMS.labelEmpty, labelFile, 'expected a pixel of a class, got none');
    else if (numIgnored > 0) {
      const percent = (100 * numIgnored) / (numIgnored + numLabeled);
      report(LABEL_PROBLEMS.ignoredPixels, labelFile, `${percent.toFixed(1)} % ignored`);
    }
  });
  const statistics = {
    images: set.samples.length,
    pixels,
    imagesWith,
    ignoredPixels,
    fileNumbers: [...fileNumbers].sort(([a], [b]) => a - b),
    sizes,
  };
  reportClasses(set, statistics, { purpose: options.purpose, isComplete: step === 1 }, log);
  return statistics;
}

/** Reports classes without a pixel, and sets of which nothing can be learned or scored. */
function reportClasses(
  set: SegmentationSet,
  { pixels, ignoredPixels, fileNumbers }: LabelStatistics,
  {
    purpose,
    isComplete,
  }: { readonly purpose?: PartPurpose | undefined; readonly isComplete: boolean },
  log: ProblemLog,
): void {
  const file = set.source;
  const labeled = pixels.reduce((sum, count) => sum + count, 0);
  const total = labeled + ignoredPixels;
  const percent = (100 * ignoredPixels) / Math.max(1, total);
  const shown = `${percent.toFixed(1)} % of the pixels are ${IGNORED_LABEL}, which does not count`;
  const isTraining = purpose === 'training';
  // Masks of two classes are often written as 0 and 255.
  const isBinary = fileNumbers.length === 2 && fileNumbers.every(([n]) => n === 0 || n === 255);
  const remedy = isBinary ? `; if ${IGNORED_LABEL} is the object, write 1` : '';
  if (labeled === 0) {
    if (log.count('error') > 0) return; // of the labels, which are the reason
    const message = `expected pixels of the classes, got none: ${shown}${remedy}`;
    if (isTraining) log.add(LABEL_PROBLEMS.untrainable, { file, message });
    else if (purpose) log.add(LABEL_PROBLEMS.unscorable, { file, message });
  }
  const used = pixels.filter((count) => count > 0).length;
  set.classes.forEach((name, k) => {
    if (pixels[k] > 0 || !isComplete) return;
    const message =
      isTraining && ignoredPixels > 0
        ? `class ${quote(name)} has no pixel, but ${shown}${remedy}`
        : `class ${quote(name)} has no pixel`;
    // Subsets of ADE20K lack most of its classes.
    const isOwn = set.classes.length !== ADE20K_CLASSES.length;
    const kind = isTraining && isOwn ? LABEL_PROBLEMS.classUntrained : LABEL_PROBLEMS.classUnused;
    log.add(kind, { file, message, id: k });
  });
  if (isTraining && isComplete && used === 1 && set.classes.length > 1) {
    const only = quote(set.classes[pixels.findIndex((count) => count > 0)]);
    const why = ignoredPixels > 0 ? `; ${shown}${remedy}` : '';
    const message = `expected pixels of at least two classes, got one (${only})${why}`;
    log.add(LABEL_PROBLEMS.untrainable, { file, message });
  }
}

function narrowSize(image: Size, { purpose, limits }: CheckSegmentationOptions): Size | undefined {
  if (purpose !== 'evaluation' || !limits) return undefined;
  const resized = keepRatioSize(image, limits);
  return Math.min(resized.width, resized.height) < MIN_INPUT_SIDE_PX ? resized : undefined;
}

interface CountedLabel {
  readonly width: number;
  readonly height: number;
  readonly counts: ReadonlyMap<number, number>;
}

async function inspectPair(
  sample: SegmentationSample,
  { colors }: LabelMapping,
  { decode, wantsLabel }: { readonly decode: boolean; readonly wantsLabel: boolean },
): Promise<InspectedPair> {
  const { file, range, image: inMemory } = sample;
  const facts = inMemory ? undefined : await errorAsValue(inspectImage(file, { decode, range }));
  const image = facts ?? { ...(inMemory as Size), orientation: 1 };
  const notes = facts && !(facts instanceof DataError) ? imageNotes(facts, { range }) : [];
  if (!wantsLabel) return { image, notes };
  return {
    image,
    notes,
    label: await errorAsValue(labelNumbers(sample, colors).then(countNumbers)),
  };
}

interface InspectedPair {
  readonly image: (Size & { readonly orientation: number }) | DataError;
  readonly notes: readonly ProblemKind[];
  /** Undefined if the label was not wanted. */
  readonly label?: CountedLabel | DataError;
}

const hasSize = (image: Size, { width, height }: Size): boolean =>
  image.width === width && image.height === height;

/** Only the counts are kept: the pixels of a whole set do not fit in memory. */
function countNumbers({
  width,
  height,
  data,
}: Pick<PngIndices, 'width' | 'height' | 'data'>): CountedLabel {
  const histogram = new Float64Array(data instanceof Uint16Array ? 65536 : 256);
  for (let i = 0; i < data.length; i++) histogram[data[i]]++;
  const counts = new Map<number, number>();
  histogram.forEach((count, number) => {
    if (count > 0) counts.set(number, count);
  });
  return { width, height, counts };
}
