import { join } from 'node:path';
import type { ClassifyResult } from '../../core/results.js';
import type { ClassifierModel } from '../../inference/model.js';
import type { Presentation } from '../presentation.js';

/** Presentation of classification results: the most probable classes of each image. */
export function presentClasses({
  file,
  classNames,
}: ClassifierModel): Presentation<ClassifyResult> {
  return {
    common: {},
    shown: (result) => result,
    fields: ({ classes }) => ({ top: classes }),
    text: ({ file: image, result: { classes } }) => [
      image,
      ...classes.map(
        ({ name, probability }) => `  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`,
      ),
    ],
    lists: [],
    rows: () => ({}),
    outputs: () => ['predictions.json'],
    pictures: () => Promise.resolve({}),
    files: ({ predictions }) => ({
      'predictions.json': { model: file, classes: classNames, predictions },
    }),
    wrote: (_, out) => `wrote ${join(out, 'predictions.json')}`,
  };
}
