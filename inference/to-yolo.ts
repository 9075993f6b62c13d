import { annotatedResult } from '../core/annotated-image.js';
import { InputError } from '../core/errors.js';
import * as rule from '../core/options.js';
import { assertResult, type DetectResult, type SegmentResult } from '../core/results.js';
import { yoloText, type YoloTextOptions } from '../io/yolo/write.js';

/** Options of {@link toYolo}. */
export type ToYoloOptions = YoloTextOptions;

const RULES: rule.OptionRules<ToYoloOptions> = {
  masks: rule.TRUE_OR_FALSE,
  scores: rule.TRUE_OR_FALSE,
};

/**
 * Converts a result to the text of a YOLO label file, with positions relative to the image size: `class cx cy w h` for
 * every object, or `class x1 y1 x2 y2 …` with masks and for segmentation. A mask with several components or holes is one
 * line, joined by lines without area.
 *
 * @returns lines, each with its end; empty without objects
 * @throws InputError for the result of a classifier; OptionError
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
  if ((result.task as string) === 'classify')
    throw new InputError(
      'toYolo: expected the result of a detector or segmenter, got that of a classifier, which has no boxes',
    );
  rule.assertOptions('toYolo', options, RULES);
  const { masks = false, scores = false } = options;
  const chosen = { masks: masks || result.task === 'segment', scores };
  return yoloText(annotatedResult(result, ''), chosen);
}
