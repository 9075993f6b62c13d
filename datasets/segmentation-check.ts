import { DataError, quote } from '../core/errors.js';
import type { SegmentationSet } from './segmentation-folder.js';
import { inParallel } from './in-parallel.js';
import { imageNotes, inspectImage } from './inspect-image.js';
import type { Size } from '../core/boxes.js';
import { displayedSize } from '../io/image-header/orientation.js';
import type { PngIndices } from '../io/png/indices.js';
import { labelNumbers } from './label-numbers.js';
import { allowedLabels, IGNORED_LABEL, labelTable, type LabelMapping } from './png-label-map.js';
import { errorAsValue, problemKinds, type ProblemKind, type ProblemLog } from './problems.js';
import type { SegmentationSample } from './sample.js';

/** Kinds of problems of a segmentation set; see `COCO_PROBLEMS` for the severities. */
const LABEL_PROBLEMS = {
  ...problemKinds('error', {
    imageUnreadable: 'images that cannot be read',
    labelUnreadable: 'label files that cannot be read',
    labelSize: 'labels of another size than their image',
    labelRange: 'label numbers that are none of the classes',
  }),
  ...problemKinds('warning', {
    labelEmpty: 'labels without a pixel of any class',
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

/**
 * Reads every label file and the header of every image, and reports problems.
 *
 * @param options.decode whether to decode the images
 */
export async function checkSegmentationSet(
  set: SegmentationSet,
  log: ProblemLog,
  options: { readonly decode: boolean },
): Promise<LabelStatistics> {
  const table = labelTable(set.mapping);
  const pixels = new Float64Array(set.classes.length); // [K]
  const imagesWith = new Float64Array(set.classes.length); // [K]
  const fileNumbers = new Map<number, number>();
  const sizes = new Int32Array(2 * set.samples.length);
  let ignoredPixels = 0;

  const counted = await inParallel(set.samples, (sample) =>
    inspectPair(sample, set.mapping, options),
  );
  counted.forEach(({ image, label }, i) => {
    const { file, labelFile } = set.samples[i];
    const report = (k: ProblemKind, where: string, message: string): void =>
      log.add(k, { file: where, message });
    if (image instanceof DataError) report(LABEL_PROBLEMS.imageUnreadable, file, image.message);
    else {
      sizes.set([image.width, image.height], 2 * i);
      for (const k of imageNotes(image, { range: set.samples[i].range }))
        report(k, file, quote(file.split(/[/\\]/).at(-1)));
    }
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
  set.classes.forEach((name, k) => {
    if (pixels[k] === 0)
      log.add(LABEL_PROBLEMS.classUnused, { file: set.source, message: quote(name), id: k });
  });
  return {
    images: set.samples.length,
    pixels,
    imagesWith,
    ignoredPixels,
    fileNumbers: [...fileNumbers].sort(([a], [b]) => a - b),
    sizes,
  };
}

interface CountedLabel {
  readonly width: number;
  readonly height: number;
  readonly counts: ReadonlyMap<number, number>;
}

async function inspectPair(
  sample: SegmentationSample,
  mapping: LabelMapping,
  options: { readonly decode: boolean },
): Promise<{
  readonly image: Awaited<ReturnType<typeof inspectImage>> | DataError;
  readonly label: CountedLabel | DataError;
}> {
  const { range } = sample;
  const image = await errorAsValue(inspectImage(sample.file, { ...options, range }));
  const label = await errorAsValue(labelNumbers(sample, mapping.colors).then(countNumbers));
  return { image, label };
}

const hasSize = (image: Size, { width, height }: Size): boolean =>
  image.width === width && image.height === height;

/** Only the counts are kept: the pixels of a whole set do not fit in memory. */
function countNumbers({ width, height, data }: PngIndices): CountedLabel {
  const histogram = new Float64Array(data instanceof Uint16Array ? 65536 : 256);
  for (let i = 0; i < data.length; i++) histogram[data[i]]++;
  const counts = new Map<number, number>();
  histogram.forEach((count, number) => {
    if (count > 0) counts.set(number, count);
  });
  return { width, height, counts };
}
