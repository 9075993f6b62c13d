import type { AnnotationSource } from '../annotations/source.js';
import type { DetectionData } from './types.js';

/**
 * Creates the record of a detection set and its line, `YOLO polygons: train 160, val 40, 3 classes`.
 *
 * @param name of the format and its shapes
 * @param counts images of each split, in order of `splits`
 */
export function recognizedDetection(
  layout: DetectionData['layout'],
  root: string,
  splits: Readonly<Record<string, AnnotationSource>>,
  { name, counts, classes }: RecognizedFacts,
): DetectionData {
  const parts = Object.keys(splits).map((split, i) => `${split} ${counts[i]}`);
  const numClasses = classes.length === 1 ? '1 class' : `${classes.length} classes`;
  return {
    kind: 'detection',
    layout,
    root,
    splits,
    line: `${name}: ${parts.join(', ')}, ${numClasses}`,
  };
}

/** Facts of the line about a set. */
interface RecognizedFacts {
  readonly name: string;
  readonly counts: readonly number[];
  readonly classes: readonly string[];
}
