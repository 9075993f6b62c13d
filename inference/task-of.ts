import { canonicalWeights } from '../weights/canonical.js';
import { withWeights } from '../weights/open.js';
import { isDenseModel } from '../weights/schemes/canonical.js';
import type { Which } from '../weights/select.js';

/** Tasks of weight files without model card. */
type FileTask = 'classify' | 'detect' | 'segment';

/**
 * Task that a weight file without model card is for, by its names: a detector has a pyramid, a segmenter a decode head.
 * Encoders and autoencoders count as classifiers.
 *
 * @throws WeightsError if the file is damaged or contains no ConvNeXt
 */
export function taskOf(file: string, which?: Which): Promise<FileTask> {
  return withWeights(file, (source) => {
    const names = [...canonicalWeights(source, which).tensors.keys()];
    if (!isDenseModel(names)) return 'classify';
    return names.some((name) => name.startsWith('decode_head.')) ? 'segment' : 'detect';
  });
}
