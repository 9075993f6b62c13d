import type { AnnotationSource } from '../annotations/source.js';
import type { DetectionData } from './types.js';

/** A detection set that was recognized by its folders and files. */
export interface RecognizedSet {
  readonly layout: DetectionData['layout'];
  readonly root: string;
  readonly splits: Iterable<readonly [split: string, source: AnnotationSource]>;
  /** Name of the format and its shapes. */
  readonly name: string;
  /** Number of images of each split, in order of `splits`. */
  readonly counts: readonly number[];
  /** Names of all classes, by number; default: those of each split's source. */
  readonly names?: readonly string[] | undefined;
  /** Names of the classes to load; default: all. */
  readonly classes?: readonly string[] | undefined;
}

/** Creates the record of a detection set and its line, `YOLO polygons: train 160, val 40, 3 classes`. */
export function recognizedDetection({
  layout,
  root,
  splits: found,
  name,
  counts,
  names,
  classes,
}: RecognizedSet): DetectionData {
  const splits = [...found].map(
    ([split, source]) => [split, { ...source, names: names ?? source.names, classes }] as const,
  );
  const parts = splits.map(([split], i) => `${split} ${counts[i]}`);
  const { length } = classes ?? splits.at(0)?.[1].names ?? [];
  const line = `${name}: ${parts.join(', ')}, ${length} ${length === 1 ? 'class' : 'classes'}`;
  return { kind: 'detection', layout, root, splits: Object.fromEntries(splits), line };
}
