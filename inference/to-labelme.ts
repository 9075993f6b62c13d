import { assertText } from '../core/arguments.js';
import { annotatedResult } from '../core/annotated-image.js';
import * as rule from '../core/options.js';
import { assertResult, type ImageResult } from '../core/results.js';
import { labelMeFile, type LabelMeFile } from '../io/labelme/write.js';

/**
 * Converts a result to an annotation file of LabelMe: polygons for masks, else rectangles; the most probable class of a
 * classifier is a flag of the image.
 *
 * @param options `imagePath`: path of the image relative to the annotation file
 * @see https://github.com/wkentaro/labelme
 */
export function toLabelMe(
  result: ImageResult,
  options: { readonly imagePath: string },
): LabelMeFile {
  assertResult('toLabelMe', result);
  rule.assertOptions('toLabelMe', options, { imagePath: rule.ANYTHING });
  assertText('toLabelMe', 'imagePath as a path', options.imagePath);
  const { imagePath } = options;
  const flags =
    result.task === 'classify' && result.classes[0] ? { [result.classes[0].name]: true } : {};
  return labelMeFile(annotatedResult(result, imagePath), { imagePath, flags, masks: 'outlines' });
}
