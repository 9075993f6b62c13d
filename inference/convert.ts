import { assertObject, assertText } from '../core/arguments.js';
import { convertWeights } from '../weights/convert.js';
import { summarizeModel } from './summary.js';

/**
 * Converts weights of any container and scheme to safetensors in another scheme. Names and shapes are checked against the
 * network of the file before anything is written.
 *
 * @throws WeightsError if the input is not a valid ConvNeXt classifier, encoder, detector or segmenter, the scheme has no
 *   names for it, or a value is not finite in `dtype`
 */
export async function convertModel(
  ...[input, output, options]: Parameters<typeof convertWeights>
): ReturnType<typeof convertWeights> {
  assertText('convertWeights', 'the path of the new file', output);
  assertObject('convertWeights', 'an object of options', options);
  await summarizeModel(input, { which: options.which });
  return convertWeights(input, output, options);
}
