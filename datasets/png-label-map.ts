import { assertObject, assertText } from '../core/arguments.js';
import type { Size } from '../core/boxes.js';
import { AnnotationsError } from '../core/errors.js';
import type { PngIndices } from '../io/png/indices.js';
import { IGNORED_LABEL, type LabelMap } from '../core/image.js';
import { labelNumbers, type LabelColor } from './label-numbers.js';
import type { SegmentationSample } from './sample.js';

/** Mapping of label values to class indices 0 … `numClasses − 1`. 255 is always "ignored". */
export interface LabelMapping {
  /** Number of classes, at most 255. */
  readonly numClasses: number;
  /** Whether 0 means "other" and becomes 255, and 1 … `numClasses` become 0 … `numClasses − 1`, as in ADE20K. */
  readonly reduceZeroLabel: boolean;
  /** Values of the classes in label files, up to 65535, where they are not 0 … `numClasses − 1`. */
  readonly values?: readonly number[] | undefined;
  /** Whether other values than those of classes are ignored. */
  readonly othersIgnored?: boolean | undefined;
  /** Colors in label PNGs instead of numbers. */
  readonly colors?: readonly LabelColor[] | undefined;
  /** Class index of each class of the files, `[numClasses]`; default: the same. */
  readonly order?: readonly number[] | undefined;
}

/**
 * Maps label values to class indices.
 *
 * @param file for messages
 * @throws DataError for an unknown value, with the value and its first pixel
 */
export function mapLabels(indices: PngIndices, mapping: LabelMapping, file: string): LabelMap {
  const { width, height, data } = indices;
  const table = labelTable(mapping);
  const beyond = mapping.othersIgnored ? IGNORED_LABEL : INVALID;
  const labels = new Uint8Array(data.length); // [H, W]
  for (let i = 0; i < data.length; i++) {
    const label = data[i] < table.length ? table[data[i]] : beyond;
    if (label === INVALID) {
      const [x, y] = [i % width, Math.floor(i / width)];
      throw AnnotationsError.in(
        file,
        `expected ${allowedLabels(mapping)}, got ${data[i]} at pixel (${x}, ${y})`,
        { id: data[i] },
      );
    }
    labels[i] = label;
  }
  return { width, height, data: labels };
}

/**
 * Reads a label PNG and maps its values to class indices.
 *
 * @param size of the image it belongs to
 * @throws DataError if the file is unreadable, has another size, or an unknown value
 */
export function readLabelMap(file: string, mapping: LabelMapping, size?: Size): Promise<LabelMap> {
  assertText('readLabelMap', 'the path of a label map', file);
  assertObject('readLabelMap', 'a mapping with numClasses', mapping, 'numClasses');
  return labelsOf({ labelFile: file }, mapping, size);
}

/** The label map of a sample, in memory or as {@link readLabelMap} reads it. @throws DataError as there */
export async function labelsOf(
  sample: Pick<SegmentationSample, 'labelFile' | 'labels' | 'regions'>,
  mapping: LabelMapping,
  size?: Size,
): Promise<LabelMap> {
  const { labelFile: file } = sample;
  const indices = await labelNumbers(sample, mapping.colors);
  if (size && (indices.width !== size.width || indices.height !== size.height))
    throw AnnotationsError.in(
      file,
      `expected ${size.width}x${size.height} of its image, got ${indices.width}x${indices.height}`,
    );
  return mapLabels(indices, mapping, file);
}

/** Describes the allowed label values, for messages. */
export function allowedLabels({ numClasses, reduceZeroLabel, values }: LabelMapping): string {
  if (values) return `one of the values ${values.join(', ')} or ${IGNORED_LABEL} (ignored)`;
  return reduceZeroLabel
    ? `0 (none), labels 1 to ${numClasses} or ${IGNORED_LABEL}`
    : `labels 0 to ${numClasses - 1} or ${IGNORED_LABEL} (ignored)`;
}

const INVALID = -1;

/** `[256]`, or more for larger values: class index of each value, −1 if unknown. */
export function labelTable({
  numClasses,
  reduceZeroLabel,
  values,
  othersIgnored,
  order,
}: LabelMapping): Int16Array {
  const size = Math.max(256, ...(values ?? []).map((value) => value + 1));
  const table = new Int16Array(size).fill(othersIgnored ? IGNORED_LABEL : INVALID);
  if (values) {
    table[IGNORED_LABEL] = IGNORED_LABEL;
    values.forEach((value, k) => (table[value] = order ? order[k] : k)); // 255 may be a class
    return table;
  }
  const shift = reduceZeroLabel ? 1 : 0;
  for (let k = 0; k < numClasses; k++) table[k + shift] = order ? order[k] : k;
  if (reduceZeroLabel) table[0] = IGNORED_LABEL;
  table[IGNORED_LABEL] = IGNORED_LABEL;
  return table;
}
