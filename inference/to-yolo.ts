import { assertObject } from '../core/arguments.js';
import { annotatedResult } from '../core/annotated-image.js';
import { assertResult, type DetectResult, type SegmentResult } from '../core/results.js';
import { yoloText, type YoloTextOptions } from '../io/yolo/write.js';

/** Options of {@link toYolo}. */
export type ToYoloOptions = YoloTextOptions;

/**
 * Converts a result to the text of a YOLO label file, with positions relative to the image size: `class cx cy w h` for
 * every object, or `class x1 y1 x2 y2 …` with masks and for segmentation. A mask with several components or holes is one
 * line, joined by lines without area.
 *
 * @returns lines, each with its end; empty without objects
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN', { task: 'detect' });
 *   console.log(toYolo(await model.predict('photo.jpg'), { scores: true }));
 *   await model.release();
 *   ```
 */
export function toYolo(result: DetectResult | SegmentResult, options: ToYoloOptions = {}): string {
  assertResult('toYolo', result);
  assertObject('toYolo', 'an object of options', options);
  const { masks = false, scores = false } = options;
  const chosen = { masks: masks || result.task === 'segment', scores };
  return yoloText(annotatedResult(result, ''), chosen);
}
