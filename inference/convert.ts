import { assertText } from '../core/arguments.js';
import * as rule from '../core/options.js';
import { isEmaBetter } from '../weights/checkpoint-folder.js';
import { convertWeights, type ConvertOptions } from '../weights/convert.js';
import { A_WHICH } from '../weights/select.js';
import { summarizeModel } from './summary.js';

const RULES: rule.OptionRules<ConvertOptions> = {
  scheme: rule.A_TEXT,
  dtype: rule.oneWord('F32', 'F16'),
  which: A_WHICH,
  timmConvMlp: rule.TRUE_OR_FALSE,
};

/**
 * Converts weights of any container and scheme to safetensors in another scheme. Names and shapes are checked against the
 * network of the file before anything is written. Of the best checkpoint of a run its better weights are taken, which may be
 * the moving average (EMA), unless `which` says otherwise.
 *
 * @throws WeightsError if the input is not a valid ConvNeXt classifier, encoder, detector or segmenter, the scheme has no
 *   names for it, or a value is not finite in `dtype`
 */
export async function convertModel(
  ...[input, output, options]: Parameters<typeof convertWeights>
): ReturnType<typeof convertWeights> {
  assertText('convertWeights', 'the path of the new file', output);
  rule.assertOptions('convertWeights', options, RULES);
  const which = options.which ?? ((await isEmaBetter(input)) ? 'model_ema' : undefined);
  await summarizeModel(input, { which });
  return convertWeights(input, output, { ...options, which });
}
